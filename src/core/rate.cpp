#include "core/rate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

namespace {

// An interval is judged when it is this long and holds enough answers to tell a share from an accident, or at the latest.
constexpr auto interval_min = 500ms;
constexpr auto interval_max = 2s;
constexpr std::uint32_t answers_min = 20;

// One answer in fifty may be a refusal without anything following from it: such is the weather at a large storage.
constexpr double tolerated_min = 0.02;
// When the rate has been cut to half, and since the first cut at least this part of the share of refusals that led to it
// has stayed, over so many answers, then that share is taken for the weather as well; unless hardly anything gets
// through, where nothing is to be gained by sending more. If it rises when the rate does, it was not the weather.
constexpr double lasting_part = 0.5;
constexpr double cut_down_to = 0.5;
constexpr double answers_for_weather = 5 * answers_min;
constexpr double believable_share = 0.8;

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

/// The rate as a multiple of the plateau, `x` after the plateau is reached, in units of `doubled_after`.
double growth(double x) noexcept {
  if (x <= steepest) return 1 + x * x * x;
  return exponential_from * std::exp(exponent * (x - steepest));
}

/// From the cut to the plateau, in the same units.
double climb() noexcept { return std::cbrt(1 - cut_to); }

} // namespace

rate::rate(rate_policy policy) noexcept
    : policy_(policy), tolerated_(tolerated_min), tolerated_max_(tolerated_min) {}

bool rate::may_start(instant now) noexcept {
  if (!limited_) return true;
  grow(now);
  if (next_ <= now) return true;
  was_held_ = true;
  return false;
}

void rate::started(instant now) noexcept {
  if (limited_) next_ = std::max<instant>(next_, now - made_up) + gap_;
}

instant rate::resumes() const noexcept { return gap_ < gathered ? next_ + gathered : next_; }

void rate::set(double per_second) noexcept {
  rate_ = std::max(per_second, policy_.per_second_min);
  gap_ = std::max<instant::duration>(std::chrono::duration_cast<instant::duration>(seconds{1 / rate_}), 1us);
}

/// Only time spent at the limit counts: a rate that nobody asks for proves nothing.
void rate::grow(instant now) noexcept {
  if (now - grown_ < updated_every) return;
  if (std::exchange(was_held_, false)) age_ += std::min<instant::duration>(now - grown_, interval_min);
  grown_ = now;
  set(plateau_ * growth(seconds{age_} / doubled_after - climb()));
}

bool rate::answered(instant begun, instant now, bool throttled) noexcept {
  if (interval_began_ == instant{}) begin_interval(begun);
  if (!throttled) ++delivered_;
  if (begun >= judged_from_) {
    ++judged_;
    throttled_ += throttled ? 1 : 0;
  }
  const auto lasted = now - interval_began_;
  if (lasted < interval_min || judged_ == 0 || (judged_ < answers_min && lasted < interval_max)) return false;
  const bool lowered = judge(now);
  begin_interval(now);
  return lowered;
}

void rate::begin_interval(instant now) noexcept {
  interval_began_ = now;
  delivered_ = judged_ = throttled_ = 0;
}

/// Beyond what is tolerated by more than twice the spread that chance gives.
bool rate::too_many_throttled() const noexcept {
  const auto n = static_cast<double>(judged_);
  return throttled_ > tolerated_ * n + 2 * std::sqrt(tolerated_ * (1 - tolerated_) * n);
}

/// True when the rate was cut.
bool rate::judge(instant now) noexcept {
  const double lasted = seconds{now - interval_began_}.count();
  const double share = static_cast<double>(throttled_) / static_cast<double>(judged_);
  const double sent = limited_ ? rate_ : static_cast<double>(judged_) / lasted;
  since_judged_ += judged_;
  since_throttled_ += throttled_;
  if (judged_ < answers_min || since_throttled_ < lasting_part * first_share_ * since_judged_) cuts_ = 0;
  const bool resumed = std::exchange(resumed_, false);
  if (!too_many_throttled()) {
    tolerated_ = std::clamp(tolerated_ + (share - tolerated_) / 8, tolerated_min, tolerated_max_);
    return false;
  }
  if (resumed) tolerated_ = tolerated_max_ = tolerated_min;
  if (cuts_++ == 0) {
    first_share_ = share;
    before_cuts_ = sent;
    since_judged_ = since_throttled_ = 0;
  }
  if (cuts_did_not_help()) {
    tolerated_ = tolerated_max_ = since_throttled_ / since_judged_;
    cuts_ = 0;
    resumed_ = true;
    resume_at(before_cuts_, now);
    return false;
  }
  const double weather = tolerated_ - tolerated_min;
  const double accepted = static_cast<double>(delivered_) / lasted / (1 - weather);
  cut(delivered_ > 0 ? std::min(accepted, sent) : sent / 4, now);
  return true;
}

bool rate::cuts_did_not_help() const noexcept {
  return since_judged_ >= answers_for_weather && rate_ <= cut_down_to * before_cuts_ &&
         since_throttled_ <= believable_share * since_judged_;
}

void rate::cut(double accepted, instant now) noexcept {
  limited_ = true;
  plateau_ = std::max(accepted, policy_.per_second_min);
  age_ = {};
  grown_ = judged_from_ = now;
  set(plateau_ * cut_to);
}

void rate::resume_at(double per_second, instant now) noexcept {
  plateau_ = per_second;
  age_ = std::chrono::duration_cast<instant::duration>(doubled_after * climb());
  grown_ = judged_from_ = now;
  set(per_second);
}

} // namespace hoist::core
