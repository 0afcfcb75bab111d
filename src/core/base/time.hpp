#pragma once

// Time as the core sees it: always an argument. Naming the steady clock's time_point does not read the clock.

#include <chrono>

namespace hoist::core {

using millis = std::chrono::milliseconds;
using instant = std::chrono::steady_clock::time_point; ///< ours, never goes back
using wall_time = std::chrono::sys_time<millis>;       ///< somebody's calendar clock

/// No wait is longer. Callers say "never" with the largest number they have; this one can still be added to an instant.
constexpr instant::duration time_max = std::chrono::hours{24 * 365 * 50};

/// `d` as the clock counts, within ±time_max: a number of milliseconds can be too large for nanoseconds.
constexpr instant::duration bounded(millis d) noexcept {
  constexpr millis most = std::chrono::duration_cast<millis>(time_max);
  return d > most ? most : d < -most ? -most : d;
}

/// The same for what stays in milliseconds.
constexpr millis bounded_millis(millis d) noexcept {
  return std::chrono::duration_cast<millis>(bounded(d));
}

/// `t + d`, or the last instant there is.
constexpr instant later(instant t, instant::duration d) noexcept {
  if (d > instant::duration::zero() && t > instant::max() - d) return instant::max();
  if (d < instant::duration::zero() && t < instant::min() - d) return instant::min();
  return t + d;
}

/// `a - b`, saturating.
constexpr instant::duration since(instant a, instant b) noexcept {
  const auto x = a.time_since_epoch(), y = b.time_since_epoch();
  if (y < instant::duration::zero() && x > instant::duration::max() + y) return instant::duration::max();
  if (y > instant::duration::zero() && x < instant::duration::min() + y) return instant::duration::min();
  return x - y;
}

} // namespace hoist::core
