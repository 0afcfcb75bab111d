#pragma once

// How long a file's failures have gone on, as far as that is held against it.
//
// Its own pauses and its attempts always are. What it waits for beyond them (a token of the retry budget, its turn at
// the host's rate, as long as the host asked) says nothing against it while that host serves others; where the host
// serves nobody, the same waiting is the failure going on. The time in which a host is away is never held against a
// file, the time at a host that was never there, or that takes connections and breaks them, is: also against a file
// that only waited for it.

#include "core/base/time.hpp"

#include <algorithm>
#include <cstdint>

namespace hoist::core {

class patience {
 public:
  /// What the host that a file waits for has seen until now.
  struct readings {
    instant::duration away{}; ///< it, or the API, was away
    instant::duration sick{}; ///< it answered nobody, and that is no outage
    std::uint32_t served = 0; ///< successes
  };

  /// It waits in a queue, or does again.
  void waits(instant now, readings host) noexcept {
    close(now, host);
    if (doing_ != doing::pausing) doing_ = doing::waiting;
  }

  /// An attempt failed; the file's own pause follows.
  void failed(instant now, readings host, instant::duration own_pause) noexcept {
    close(now, host);
    failing_ = true;
    doing_ = doing::pausing;
    own_pause_ = std::max(own_pause, instant::duration{});
  }

  /// An attempt begins.
  void resumed(instant now, readings host) noexcept {
    close(now, host);
    doing_ = doing::trying;
  }

  /// What waits for one host waits for another from now on.
  void moved(instant now, readings from, readings to) noexcept {
    close(now, from);
    at_ = to;
  }

  bool failing() const noexcept { return failing_; }
  /// Held against it so far.
  instant::duration used(instant now, readings host) const noexcept { return used_ + since_then(now, host); }

 private:
  enum class doing : std::uint8_t { nothing, waiting, pausing, trying };

  instant::duration since_then(instant now, readings host) const noexcept {
    constexpr instant::duration nothing{};
    if (doing_ == doing::nothing) return nothing;
    if (!failing_) return std::max(nothing, host.sick - at_.sick);
    const auto whole = std::max(nothing, now - from_);
    const auto held = std::max(nothing, whole - std::max(nothing, host.away - at_.away));
    const bool served = host.served != at_.served;
    if (doing_ == doing::trying || !served) return held;
    return std::min(held, doing_ == doing::pausing ? own_pause_ : nothing);
  }

  void close(instant now, readings host) noexcept {
    used_ += since_then(now, host);
    if (doing_ == doing::pausing)
      own_pause_ = std::max(instant::duration{}, own_pause_ - std::max(instant::duration{}, now - from_));
    from_ = now;
    at_ = host;
  }

  bool failing_ = false;
  doing doing_ = doing::nothing;
  instant from_{};
  readings at_;
  instant::duration used_{}, own_pause_{};
};

} // namespace hoist::core
