#include "core/host_gate.hpp"

namespace hoist::core {

host_gate::role host_gate::started() noexcept {
  if (open()) return role::ordinary;
  probing_ = true;
  return role::probe;
}

void host_gate::answered(instant now) noexcept {
  downtime_ = downtime(now);
  down_since_.reset();
  probing_ = false;
  answered_once_ = true;
}

void host_gate::unreachable(instant now, role of) noexcept {
  if (!down_since_) {
    down_since_ = now;
    inconclusive(now, role::probe); // sets the time of the first probe
  } else {
    inconclusive(now, of);
  }
}

void host_gate::inconclusive(instant now, role of) noexcept {
  if (of == role::ordinary) return;
  probing_ = false;
  next_probe_ = now + (answered_once_ ? interval_ * sharing_ : first_interval_);
}

std::optional<instant> host_gate::next_probe() const noexcept {
  if (open() || probing_) return std::nullopt;
  return next_probe_;
}

instant::duration host_gate::downtime(instant now) const noexcept {
  return downtime_ + (down_since_ ? now - *down_since_ : instant::duration{});
}

} // namespace hoist::core
