#include "core/pace/rate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

namespace {

// An interval is judged when it is this long and holds enough answers to tell a share from an accident, or at the
// latest.
constexpr auto interval_min = 500ms;
constexpr auto interval_max = 2s;
constexpr std::uint32_t answers_min = 20;

constexpr auto patience_for_a_sample = 10s;
// With fewer answers than that, refusals are believed only if there are so many.
constexpr std::uint32_t refusals_believed = 3;
// So many refusals in a row, and nothing gets through any more: by chance that is hardly ever so.
constexpr int refusals_in_a_row = 16;
constexpr auto half_a_second = 500ms;
constexpr auto doubled_in_search = 500ms;
constexpr double searched_from = 10; // at least, of the least rate there is
constexpr auto searched_interval_min = 250ms;

// Up to 2 % throttled answers are background noise and are ignored.
constexpr double tolerated_min = 0.02;
// More noise than that is recognised by its not going away: the rate has been cut to half, and of the share of refusals
// that led to the first cut at least `lasting_part` is still there after `answers_for_weather` answers. Then the share
// is tolerated, and the rate doubles until the host objects again; if it does so soon, it was no noise. A share over
// `believable_share` is never tolerated: nothing is gained by sending more where hardly anything gets through.
constexpr double lasting_part = 0.5;
constexpr double cut_down_to = 0.5;
constexpr double answers_for_weather = 2 * answers_min;
constexpr double believable_share = 0.8;
constexpr int intervals_on_trial = 10;
// A share of refusals that is so many times the spread of chance beyond what is tolerated is more than that.
constexpr double spreads = 2;

// To this part of what was accepted a cut goes, and back up along a cubic (as TCP's CUBIC does): steep at first, flat
// around what was accepted, steep again beyond it. Ten seconds beyond the plateau it stands at twice of it.
constexpr double cut_to = 0.85;
constexpr seconds doubled_after = 10s;
// From here on it grows exponentially, by the steepest relative slope that the cubic ever has.
const double steepest = std::cbrt(2.0);
constexpr double exponential_from = 3.0; // 1 + steepest^3
const double exponent = 3 * steepest * steepest / exponential_from;

constexpr auto updated_every = 20ms;
// Requests that are due leave together, at most this late; a late timer may make up for this much.
constexpr auto gathered = 10ms;
constexpr auto made_up = 25ms;
// At rates with a larger gap they leave one by one: a host that allows no burst would refuse the second.
constexpr auto gap_worth_a_timer = 2ms;

/// The rate as a multiple of the plateau, `x` after the plateau is reached, in units of `doubled_after`.
double growth(double x) noexcept {
  if (x <= steepest) return 1 + x * x * x;
  return exponential_from * std::exp(exponent * (x - steepest));
}

/// From the cut to the plateau, in the same units.
double climb() noexcept {
  return std::cbrt(1 - cut_to);
}

} // namespace

rate::rate(rate_policy policy) noexcept : policy_(policy), tolerated_(tolerated_min), tolerated_max_(tolerated_min) {}

bool rate::may_start(instant now) noexcept {
  if (!limited_) return true;
  grow(now);
  if (next_ <= now) return true;
  was_held_ = true;
  return false;
}

void rate::started(instant now) noexcept {
  if (!limited_) return;
  const instant::duration late = gap_ < gap_worth_a_timer ? made_up : std::min<instant::duration>(gap_, made_up);
  next_ = std::max<instant>(next_, now - late) + gap_;
}

instant rate::resumes() const noexcept {
  return gap_ < gap_worth_a_timer ? next_ + gathered : next_;
}

void rate::set(double per_second) noexcept {
  rate_ = std::max(per_second, policy_.per_second_min);
  gap_ = std::max<instant::duration>(std::chrono::duration_cast<instant::duration>(seconds{1 / rate_}), 1us);
}

/// Only time spent at the limit counts: a rate that nobody asks for proves nothing.
void rate::grow(instant now) noexcept {
  if (now - grown_ < updated_every) return;
  // A rate of less than two a second is asked for seldom; that is no idleness.
  if (std::exchange(was_held_, false))
    age_ += std::min<instant::duration>(now - grown_, std::max<instant::duration>(interval_min, 2 * gap_));
  grown_ = now;
  set(searching_ ? plateau_ * std::exp2(std::min(seconds{age_} / doubled_in_search, 30.0))
                 : plateau_ * growth(seconds{age_} / doubled_after - climb()));
}

void rate::answered(instant begun, instant now, bool throttled, int in_flight) noexcept {
  if (interval_began_ == instant{}) begin_interval(begun);
  if (!throttled) {
    ++delivered_;
    count_delivered(now);
  }
  if (begun >= judged_from_) {
    ++judged_;
    throttled_ += throttled ? 1 : 0;
    refused_in_a_row_ = throttled ? refused_in_a_row_ + 1 : 0;
    if (refused_in_a_row_ >= refusals_in_a_row && (!limited_ || searching_)) return search(now);
  }
  under_way_ = in_flight;
  const auto lasted = now - interval_began_;
  // What has not been limited yet is not judged by a few answers, however long they take to come.
  if (!limited_ && judged_ < answers_min && lasted < patience_for_a_sample) return;
  if (lasted < (searching_ ? searched_interval_min : interval_min) || judged_ == 0 ||
      (judged_ < answers_min && lasted < interval_max))
    return;
  judge(now);
  begin_interval(now);
}

void rate::count_delivered(instant now) noexcept {
  for (; now - half_began_ >= half_a_second; half_began_ += half_a_second) {
    if (now - half_began_ >= 3 * half_a_second) half_began_ = now - 2 * half_a_second; // nothing of it counts any more
    halves_[2] = halves_[1];
    halves_[1] = halves_[0];
    halves_[0] = 0;
  }
  ++halves_[0];
}

/// Of the last second to one and a half: what a host gives at first it gives for a second's worth, as most count.
double rate::delivered_in_last_second(instant now) const noexcept {
  const auto gone = (now - half_began_) / half_a_second;
  double sum = 0;
  for (int i = 0; i + gone < 3 && i < 2; ++i) sum += halves_[i];
  return gone >= 3 ? 0 : sum;
}

/// Nothing gets through any more: from what did, or a quarter of what was too much, upwards.
void rate::search(instant now) noexcept {
  const double seen = delivered_in_last_second(now);
  if (cuts_++ == 0) { // should it turn out to be chance, then back to this
    first_share_ = static_cast<double>(throttled_) / static_cast<double>(judged_);
    before_cuts_ =
        limited_ ? rate_ : static_cast<double>(judged_) / std::max(seconds{now - interval_began_}.count(), 0.1);
    since_judged_ = since_throttled_ = 0;
  }
  const double from = limited_ ? std::min(seen, rate_ / 4) : std::max(seen, searched_from * policy_.per_second_min);
  search_from(std::max(from, policy_.per_second_min), now);
  next_ = std::max(next_, now + gap_);
  begin_interval(now);
}

void rate::begin_interval(instant now) noexcept {
  interval_began_ = now;
  delivered_ = judged_ = throttled_ = 0;
}

void rate::forget_interval() noexcept {
  interval_began_ = {};
  delivered_ = judged_ = throttled_ = 0;
  refused_in_a_row_ = 0;
}

/// Few answers are no sample: what is refused is refused at once, while others are under way for long.
bool rate::too_many_throttled() const noexcept {
  if (judged_ < answers_min && throttled_ < refusals_believed) return false;
  const auto n = static_cast<double>(judged_) + (judged_ < answers_min ? under_way_ : 0);
  const double estimated_from = tolerated_max_ > tolerated_min ? answers_for_weather : INFINITY;
  const double variance = tolerated_ * (1 - tolerated_) * (1 / n + 1 / estimated_from);
  return throttled_ > n * (tolerated_ + spreads * std::sqrt(variance));
}

void rate::judge(instant now) noexcept {
  const double lasted = seconds{now - interval_began_}.count();
  const double share = static_cast<double>(throttled_) / static_cast<double>(judged_);
  const double sent = limited_ ? rate_ : static_cast<double>(judged_) / lasted;
  since_judged_ += judged_;
  since_throttled_ += throttled_;
  if (since_judged_ >= answers_min && since_throttled_ < lasting_part * first_share_ * since_judged_) cuts_ = 0;
  if (!too_many_throttled()) {
    on_trial_ = std::max(0, on_trial_ - 1);
    tolerated_ = std::clamp(tolerated_ + (share - tolerated_) / 8, tolerated_min, tolerated_max_);
    if (limited_ && judged_ >= answers_min) taken_well_ = static_cast<double>(judged_) / lasted;
    return;
  }
  if (std::exchange(on_trial_, 0) > 0) tolerated_ = tolerated_max_ = tolerated_min;
  if (cuts_++ == 0) {
    first_share_ = share;
    before_cuts_ = sent;
    since_judged_ = since_throttled_ = 0;
  }
  if (cuts_did_not_help()) {
    tolerated_ = tolerated_max_ = since_throttled_ / since_judged_;
    cuts_ = 0;
    on_trial_ = intervals_on_trial;
    return search_from(rate_, now);
  }
  const double weather = tolerated_ - tolerated_min;
  const double through = judged_ < answers_min ? delivered_ + static_cast<double>(under_way_) : delivered_;
  // A host that allows no burst refuses every second request of a rate that is a little too high: what it took well
  // just before says more then than what it took now. That is believed once.
  const double accepted = std::max(through / lasted / (1 - weather), std::min(std::exchange(taken_well_, 0), sent));
  cut(through > 0 ? std::min(accepted, std::max(sent, through / lasted)) : sent / 4, now);
}

bool rate::cuts_did_not_help() const noexcept {
  return since_judged_ >= answers_for_weather && rate_ <= cut_down_to * before_cuts_ &&
         since_throttled_ <= believable_share * since_judged_;
}

void rate::cut(double accepted, instant now) noexcept {
  limited_ = true;
  searching_ = false;
  plateau_ = std::max(accepted, policy_.per_second_min);
  age_ = {};
  grown_ = judged_from_ = now;
  set(plateau_ * cut_to);
}

void rate::search_from(double per_second, instant now) noexcept {
  limited_ = searching_ = true;
  plateau_ = per_second;
  age_ = {};
  grown_ = judged_from_ = now;
  refused_in_a_row_ = 0;
  set(per_second);
}

} // namespace hoist::core
