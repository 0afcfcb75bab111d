#pragma once

// Whether a host answers at all. While it does not, one attempt at a time may probe it, at most once per interval; all
// others wait uncharged. Any answer, even an error, opens the gate again.

#include "core/base/time.hpp"

#include <cstdint>
#include <optional>

namespace hoist::core {

class host_gate {
 public:
  enum class role : std::uint8_t { ordinary, probe };

  /// `first_interval` holds until the host has answered once, for the first seconds; `interval` from then on.
  host_gate(millis first_interval, millis interval) : first_interval_(first_interval), interval_(interval) {}

  bool open() const noexcept { return !down_since_; }
  bool may_start(instant now) const noexcept { return open() || (!probing_ && now >= next_probe_); }

  /// Call when an attempt is begun; tells its role, which is to be handed back with its end. While the host is down
  /// only the probe's own end lets the next probe go: attempts that were begun before say nothing new.
  role started() noexcept;
  void answered(instant now) noexcept;
  /// Whoever stands before the host has answered: it exists, and is spared from the first probe on.
  void somebody_is_there() noexcept { answered_once_ = true; }
  /// `asked`: what the host wants to be spared for, if that is longer than the interval.
  void unreachable(instant now, role of, millis asked = {}) noexcept;
  /// How many gates are probing at this time for all that is known the same machine: their probes together come as
  /// often as one gate's would alone.
  void share_probes(int gates) noexcept { sharing_ = gates; }
  /// An attempt ended without telling whether the host answers: cancelled, or broken in mid-exchange.
  void inconclusive(instant now, role of) noexcept;

  std::optional<instant> down_since() const noexcept { return down_since_; }
  /// When to look again; nothing while open or while a probe is out.
  std::optional<instant> next_probe() const noexcept;

 private:
  millis first_interval_;
  millis interval_;
  std::optional<instant> down_since_;
  instant next_probe_{};
  int sharing_ = 1;
  bool probing_ = false;
  bool answered_once_ = false;
};

} // namespace hoist::core
