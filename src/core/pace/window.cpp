#include "core/pace/window.hpp"

#include <algorithm>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;

namespace {

// A round lasts at least this long, so that the scheduling of threads does not pass for the host's speed. A second look
// takes longer: it decides.
constexpr auto round_quick = 20ms;
constexpr auto round_careful = 100ms;
// Not all that was in flight is awaited: one stalled request must not stall the window.
constexpr int stragglers = 8; // one in so many

// Climbing, twice the size must bring this much more. The shards climb together, so each sees the host as it is.
constexpr double gain_of_doubling = 1.1;
// Later each tries alone, and half as much again must bring three quarters of that: more for itself, at the expense of
// the other shards and with nothing gained in all, would bring less.
constexpr double gain_of_half_more = 1.375;
constexpr double slump = 0.7;
// A smaller window must do as well, but for the noise.
constexpr double as_good = 0.95;

constexpr auto probe_interval_min = 1s;
constexpr auto probe_interval_max = 16s;

constexpr int took_weight = 8; // of the answers behind the mean, the latest

} // namespace

window::window(window_range range) noexcept
    : range_(range)
    , phase_(range.adaptive ? phase::opening : phase::full)
    , opening_(std::clamp(range.start, range.min, range.max), range.max)
    , size_(range.adaptive ? opening_.size() : range.max)
    , base_(size_) {}

void window::held(instant now, instant::duration lead, int in_flight) noexcept {
  if (phase_ == phase::full) return;
  if (phase_ == phase::opening) {
    opening_.held(now, in_flight);
  } else if (counting_) {
    held_meanwhile_ = true;
  } else if (!marked_) {
    marked_ = true;
    count_from_ = now + lead + 2 * took_; // what is begun at a new size may take twice as long
  }
}

void window::answered(instant::duration took) noexcept {
  took_ = took_ == instant::duration{} ? took : took_ + (took - took_) / took_weight;
}

void window::ended(instant begun, instant now, int in_flight, double work) noexcept {
  if (phase_ == phase::opening) return open(opening_.ended(begun, now, work), now - begun, now);
  if (!marked_ || now < count_from_) return;
  if (!counting_) {
    if (in_flight < size_) begin_counting(now, in_flight); // else it was larger a moment ago
    return;
  }
  work_ += work;
  busy_ += now - begun;
  if (begun <= count_from_) --old_left_;
  if (old_left_ > 0 || now - count_from_ < round_min()) return;
  marked_ = counting_ = false;
  // By Little's law. Answers that were counted over a time would come in lumps, and a lump more or less would decide.
  if (held_meanwhile_ && busy_ > 0ns) conclude(size_ * work_ / std::chrono::duration<double>(busy_).count(), now);
}

void window::open(window_opening::verdict so_far, instant::duration took, instant now) noexcept {
  base_ = size_ = opening_.size();
  switch (so_far) {
  case window_opening::verdict::goes_on: return;
  case window_opening::verdict::near: phase_ = phase::climbing; return;
  case window_opening::verdict::full: return settle(size_, now);
  case window_opening::verdict::enough:
    phase_ = phase::climbing;
    base_ = size_ = opening_.enough();
    marked_ = true;
    count_from_ = now + 2 * std::max(took, took_); // until those of the larger window are through
  }
}

void window::begin_counting(instant now, int in_flight) noexcept {
  counting_ = true;
  held_meanwhile_ = false;
  count_from_ = now;
  old_left_ = in_flight - in_flight / stragglers;
  work_ = 0;
  busy_ = {};
}

instant::duration window::round_min() const noexcept {
  return phase_ == phase::recovering || (phase_ == phase::climbing && !second_look_) ? round_quick : round_careful;
}

void window::conclude(double done, instant now) noexcept {
  switch (phase_) {
  case phase::full:
  case phase::opening: return;
  case phase::recovering:
    if (done > 0) size_ = std::min(2 * size_, base_);
    if (size_ < base_) return;
    if (range_.adaptive) return settle(size_, now);
    phase_ = phase::full;
    return;
  case phase::climbing: return climb(done, now);
  case phase::settled: return watch(done, now);
  case phase::trying_more: return try_more(done, now);
  case phase::trying_less: return try_less(done, now);
  }
}

void window::climb(double done, instant now) noexcept {
  if (done > gain_of_doubling * best_) {
    best_ = done;
    base_ = size_;
    second_look_ = false;
    if (size_ == range_.max) return settle(size_, now);
    size_ = std::min(2 * size_, range_.max);
  } else if (!std::exchange(second_look_, true)) {
    return;
  } else {
    settle(base_, now);
  }
}

void window::settle(int size, instant now) noexcept {
  phase_ = phase::settled;
  size_ = base_ = size;
  best_ = 0;
  second_look_ = slumped_ = false;
  probe_interval_ = std::clamp<instant::duration>(2 * probe_interval_, probe_interval_min, probe_interval_max);
  next_probe_ = now + probe_interval_;
}

void window::watch(double done, instant now) noexcept {
  const bool slow = done < slump * best_;
  if (slow && !std::exchange(second_look_, true)) return;
  slumped_ = slow;
  best_ = slow || best_ == 0 ? done : best_ + (done - best_) / 4;
  second_look_ = false;
  if (!slow && now < next_probe_) return;
  if (try_size(base_ + (base_ + 1) / 2, phase::trying_more)) return;
  if (!slow || !try_size(base_ / 2, phase::trying_less)) settle(base_, now);
}

/// False when there is no such size, or none different.
bool window::try_size(int size, phase as) noexcept {
  size = std::clamp(size, range_.min, range_.max);
  if (size == base_) return false;
  size_ = size;
  phase_ = as;
  second_look_ = false;
  return true;
}

void window::try_more(double done, instant now) noexcept {
  const double growth = static_cast<double>(size_) / base_;
  const double wanted = 1 + (gain_of_half_more - 1) * (growth - 1) / 0.5;
  if (done > wanted * best_) {
    if (!std::exchange(second_look_, true)) return;
    probe_interval_ = {};
    best_ = done;
    base_ = size_;
    phase_ = phase::climbing;
    size_ = std::min(2 * size_, range_.max);
    second_look_ = false;
    return;
  }
  if (!slumped_ || !try_size(base_ / 2, phase::trying_less)) settle(base_, now);
}

void window::try_less(double done, instant now) noexcept {
  if (done < as_good * best_) return settle(base_, now);
  if (!std::exchange(second_look_, true)) return;
  base_ = size_;
  if (!try_size(base_ / 2, phase::trying_less)) settle(base_, now);
}

void window::restart() noexcept {
  size_ = std::min(range_.start, base_);
  phase_ = phase::recovering;
  marked_ = counting_ = false;
  second_look_ = slumped_ = false;
}

void window::crowded(int in_flight, instant now) noexcept {
  if (phase_ == phase::opening) phase_ = phase::climbing;
  if (range_.adaptive && in_flight < size_) settle(std::max(in_flight, range_.min), now);
}

} // namespace hoist::core
