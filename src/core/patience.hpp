#pragma once

// How long a file's failures have gone on, as far as that is held against it. Its own pauses always are. What it waits
// for beyond them (a token of the retry budget, its turn at the host's rate, as long as the host asked) says nothing
// against it while that host serves others; where the host serves nobody, the same waiting is the failure going on.

#include "core/time.hpp"

#include <algorithm>
#include <cstdint>

namespace hoist::core {

class patience {
 public:
  /// Of a clock that stands still while a host is away.
  using moment = instant::duration;

  /// An attempt failed at a host that has served so many until now; the file's own pause follows.
  void failed(moment now, std::uint32_t served, moment own_pause) noexcept {
    if (!failing_) failing_since_ = now;
    failing_ = waiting_ = true;
    pause_ends_ = now + own_pause;
    served_ = served;
  }

  /// The next attempt begins.
  void resumed(moment now, std::uint32_t served) noexcept {
    excused_ += excused_wait(now, served);
    waiting_ = false;
  }

  /// Whether it has failed for longer than `limit`, or will have when its own pause ends.
  bool exhausted(moment now, std::uint32_t served, moment limit) const noexcept {
    if (!failing_) return false;
    return std::max(now, pause_ends_) - failing_since_ - excused_ - excused_wait(now, served) > limit;
  }

 private:
  moment excused_wait(moment now, std::uint32_t served) const noexcept {
    return waiting_ && served != served_ ? std::max(moment{}, now - pause_ends_) : moment{};
  }

  bool failing_ = false, waiting_ = false;
  std::uint32_t served_ = 0;
  moment failing_since_{}, pause_ends_{}, excused_{};
};

} // namespace hoist::core
