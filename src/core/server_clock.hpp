#pragma once

// What time it is at the server, as far as its `Date` headers tell. Each answer bounds the offset between the server's
// calendar clock and our steady clock; the bounds of all answers are intersected, so that a header with a resolution of
// one second soon gives an offset good to a round trip.

#include "core/time.hpp"

#include <optional>

namespace hoist::core {

class server_clock {
 public:
  /// One answer: asked at `sent`, read at `received`, and dated `date` with a resolution of `resolution` (1 s for an
  /// HTTP date, 0 for a clock read directly). Bounds that contradict the earlier ones replace them: a clock was set.
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
  std::optional<bounds> bounds_;
};

} // namespace hoist::core
