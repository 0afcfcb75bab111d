#include "core/server_clock.hpp"

#include <algorithm>

namespace hoist::core {

namespace {

// Calendar times are clamped to the years 1970 to 2200: beyond them nanoseconds overflow, and nobody's clock stands there.
std::chrono::nanoseconds since_epoch(wall_time t) noexcept {
  constexpr wall_time earliest{}, latest{std::chrono::hours{24} * 84'006};
  return std::clamp(t, earliest, latest).time_since_epoch();
}

} // namespace

void server_clock::observe(instant sent, instant received, wall_time date, millis resolution) {
  const std::chrono::nanoseconds server = since_epoch(date);
  // The server read its clock at some moment between sent and received, and rounded down.
  const bounds seen{server - received.time_since_epoch(), server + resolution - sent.time_since_epoch()};
  if (!bounds_ || seen.low > bounds_->high || seen.high < bounds_->low) {
    bounds_ = seen;
    return;
  }
  bounds_->low = std::max(bounds_->low, seen.low);
  bounds_->high = std::min(bounds_->high, seen.high);
}

instant server_clock::earliest(wall_time t) const noexcept {
  return instant{since_epoch(t) - bounds_->high};
}

wall_time server_clock::at(instant t) const noexcept {
  const auto middle = bounds_->low + (bounds_->high - bounds_->low) / 2;
  return wall_time{std::chrono::duration_cast<millis>(t.time_since_epoch() + middle)};
}

} // namespace hoist::core
