#pragma once

// Whether a host answers at all. While it does not, one attempt at a time may probe it, at most once per interval; all
// others wait uncharged. Any answer, even an error, opens the gate again.

#include "core/time.hpp"

#include <optional>

namespace hoist::core {

class host_gate {
 public:
  /// `first_interval` holds until the host has answered once, `interval` from then on.
  host_gate(millis first_interval, millis interval) : first_interval_(first_interval), interval_(interval) {}

  bool open() const noexcept { return !down_since_; }
  bool may_start(instant now) const noexcept { return open() || (!probing_ && now >= next_probe_); }

  /// Call when an attempt is begun.
  void started() noexcept { probing_ = !open(); }
  void answered() noexcept;
  void unreachable(instant now) noexcept;
  /// An attempt ended without telling anything about the host (it was cancelled).
  void inconclusive() noexcept { probing_ = false; }

  bool ever_answered() const noexcept { return answered_once_; }
  std::optional<instant> down_since() const noexcept { return down_since_; }
  /// When to look again; nothing while open or while a probe is out.
  std::optional<instant> next_probe() const noexcept;

 private:
  millis first_interval_;
  millis interval_;
  std::optional<instant> down_since_;
  instant next_probe_{};
  bool probing_ = false;
  bool answered_once_ = false;
};

} // namespace hoist::core
