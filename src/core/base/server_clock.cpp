#include "core/base/server_clock.hpp"

#include <algorithm>

namespace hoist::core {

namespace {

// Calendar times are clamped to the years 1970 to 2200: beyond them nanoseconds overflow, and nobody's clock stands
// there.
std::chrono::nanoseconds since_epoch(wall_time t) noexcept {
  constexpr wall_time earliest{}, latest{std::chrono::hours{24} * 84'006};
  return std::clamp(t, earliest, latest).time_since_epoch();
}

} // namespace

void server_clock::observe(instant sent, instant received, wall_time date, millis resolution) {
  const std::chrono::nanoseconds server = since_epoch(date);
  // The server read its clock at some moment between sent and received, and rounded down.
  const bounds seen{server - received.time_since_epoch(), server + resolution - sent.time_since_epoch()};
  latest_[seen_++ % remembered] = seen;
  if (bounds_ && agree(*bounds_, seen)) {
    bounds_->low = std::max(bounds_->low, seen.low);
    bounds_->high = std::min(bounds_->high, seen.high);
    return;
  }
  vote();
}

/// Goes by what most of the latest agree with; of two that have as many, by the newer.
void server_clock::vote() noexcept {
  const std::size_t n = std::min(seen_, remembered);
  const bounds* best = nullptr;
  std::ptrdiff_t most = 0;
  for (std::size_t age = 0; age < n; ++age) { // the newest first
    const bounds& one = latest_[(seen_ - 1 - age) % remembered];
    const auto with_it = std::count_if(latest_.begin(), latest_.begin() + static_cast<std::ptrdiff_t>(n),
                                       [&](const bounds& other) { return agree(one, other); });
    if (with_it <= most) continue;
    most = with_it;
    best = &one;
  }
  if (bounds_ && agree(*bounds_, *best)) return; // what was known stands, and is narrower
  bounds_ = *best;
}

instant server_clock::earliest(wall_time t) const noexcept {
  return instant{since_epoch(t) - bounds_->high};
}

wall_time server_clock::at(instant t) const noexcept {
  const auto middle = bounds_->low + (bounds_->high - bounds_->low) / 2;
  return wall_time{std::chrono::duration_cast<millis>(t.time_since_epoch() + middle)};
}

} // namespace hoist::core
