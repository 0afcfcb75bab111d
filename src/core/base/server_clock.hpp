#pragma once

// What time it is at the server, as far as its `Date` headers tell. Each answer bounds the offset between the server's
// calendar clock and our steady clock; the bounds of all answers are intersected, so that a header with a resolution of
// one second soon gives an offset good to a round trip.
//
// One header may be wrong (a backend of several whose clock is off, a garbled date): bounds that contradict the others
// count only once they are the majority of the latest ones, or where there is no majority the newest.

#include "core/base/time.hpp"

#include <array>
#include <cstddef>
#include <optional>

namespace hoist::core {

class server_clock {
 public:
  /// One answer: asked at `sent`, read at `received`, and dated `date` with a resolution of `resolution` (1 s for an
  /// HTTP date, 0 for a clock read directly). Bounds that contradict the
  /// earlier ones replace them when the majority of the latest says so: a clock was set.
  void observe(instant sent, instant received, wall_time date, millis resolution);

  bool known() const noexcept { return bounds_.has_value(); }

  /// The instant by which the server's clock has surely not yet passed `t`: the safe side for an expiry.
  /// Precondition: known().
  instant earliest(wall_time t) const noexcept;

  /// The server's clock at `t`, the middle of what is possible. Precondition: known().
  wall_time at(instant t) const noexcept;

 private:
  struct bounds {
    std::chrono::nanoseconds low, high; ///< of (server's clock - steady clock)
  };
  static bool agree(const bounds& a, const bounds& b) noexcept { return a.low <= b.high && b.low <= a.high; }
  void vote() noexcept;

  static constexpr std::size_t remembered = 8;
  std::optional<bounds> bounds_;
  std::array<bounds, remembered> latest_{}; ///< a ring
  std::size_t seen_ = 0;
};

} // namespace hoist::core
