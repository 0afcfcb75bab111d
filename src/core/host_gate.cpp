#include "core/host_gate.hpp"

namespace hoist::core {

void host_gate::answered() noexcept {
  down_since_.reset();
  probing_ = false;
  answered_once_ = true;
}

void host_gate::unreachable(instant now) noexcept {
  if (!down_since_) down_since_ = now;
  next_probe_ = now + (answered_once_ ? interval_ : first_interval_);
  probing_ = false;
}

std::optional<instant> host_gate::next_probe() const noexcept {
  if (open() || probing_) return std::nullopt;
  return next_probe_;
}

} // namespace hoist::core
