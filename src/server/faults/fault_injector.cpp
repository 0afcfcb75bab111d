#include "server/faults/fault_injector.hpp"

#include <algorithm>

namespace hoist::server {
namespace {
// The throttle lets a burst of a tenth of a second through, so that its rate and not its grain is what is met.
constexpr double burst_seconds = 0.1;
} // namespace

fault_injector::fault_injector(std::vector<fault> faults, std::uint64_t seed)
    : faults_(std::move(faults)), seed_(seed) {
  for (const auto& each : faults_) {
    const auto time = std::chrono::floor<std::chrono::seconds>(each.time);
    if (each.action == fault_action::ahead) clock_offset_ += time;
    if (each.action == fault_action::behind) clock_offset_ -= time;
  }
}

const fault* fault_injector::next(fault_scope scope, clock::time_point now) {
  if (faults_.empty()) return nullptr;
  const auto number = numbers_[static_cast<std::size_t>(scope)].fetch_add(1, std::memory_order_relaxed);
  if (const auto* refused = throttled(scope, now)) return refused;
  return chosen(faults_, scope, seed_, number);
}

const fault* fault_injector::throttled(fault_scope scope, clock::time_point now) {
  const auto found = std::ranges::find_if(
      faults_, [&](const fault& each) { return each.scope == scope && each.action == fault_action::throttle; });
  if (found == faults_.end()) return nullptr;
  const std::lock_guard lock(mutex_);
  auto& tokens = tokens_[static_cast<std::size_t>(scope)];
  auto& filled_at = filled_at_[static_cast<std::size_t>(scope)];
  const double elapsed = std::chrono::duration<double>(now - filled_at).count();
  tokens = std::min(std::max(1.0, found->per_second * burst_seconds), tokens + elapsed * found->per_second);
  filled_at = now;
  if (tokens < 1) return &*found;
  tokens -= 1;
  return nullptr;
}

void fault_injector::dress(fault_scope scope, reply& refusal) const {
  for (const auto& each : faults_) {
    if (each.scope == scope && each.action == fault_action::retry_after) refusal.add("Retry-After", each.text);
  }
}

void fault_injector::repeat_ticket(std::string& json) {
  const std::lock_guard lock(mutex_);
  if (last_ticket_.empty())
    last_ticket_ = json;
  else
    json = last_ticket_;
}

} // namespace hoist::server
