#include "core/pace/host_gate.hpp"

#include "core/base/limits.hpp"

#include <algorithm>

namespace hoist::core {

host_gate::role host_gate::started() noexcept {
  if (open()) return role::ordinary;
  probing_ = true;
  return role::probe;
}

void host_gate::answered(instant) noexcept {
  down_since_.reset();
  probing_ = false;
  answered_once_ = true;
}

void host_gate::unreachable(instant now, role of, millis asked) noexcept {
  const bool news = !down_since_;
  if (news) down_since_ = now;
  inconclusive(now, news ? role::probe : of); // sets the time of the next probe
  if (news || of == role::probe) next_probe_ = std::max<instant>(next_probe_, now + asked);
}

void host_gate::inconclusive(instant now, role of) noexcept {
  if (of == role::ordinary) return;
  probing_ = false;
  const bool found_out = answered_once_ || (down_since_ && now - *down_since_ >= limits::unreachable_grace);
  next_probe_ = now + (found_out ? interval_ * sharing_ : first_interval_);
}

std::optional<instant> host_gate::next_probe() const noexcept {
  if (open() || probing_) return std::nullopt;
  return next_probe_;
}

} // namespace hoist::core
