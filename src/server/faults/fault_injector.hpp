// The running side of the fault plan: numbers the requests, holds the throttle's tokens and the last honest ticket.
// Without a --fault it costs one comparison.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "server/base/calendar.hpp"
#include "server/faults/fault_plan.hpp"
#include "server/http/http_message.hpp"

namespace hoist::server {

class fault_injector {
 public:
  using clock = std::chrono::steady_clock;

  fault_injector(std::vector<fault> faults, std::uint64_t seed);

  // What happens to the next request of the scope, or nothing. The pointer stays good.
  [[nodiscard]] const fault* next(fault_scope scope, clock::time_point now);
  // Adds Retry-After to a refusal when one was asked for.
  void dress(fault_scope scope, reply& refusal) const;
  // Gives the ticket before this one, once there is one.
  void repeat_ticket(std::string& json);
  [[nodiscard]] std::chrono::seconds clock_offset() const noexcept { return clock_offset_; }

 private:
  [[nodiscard]] const fault* throttled(fault_scope scope, clock::time_point now);

  std::vector<fault> faults_;
  std::uint64_t seed_;
  std::chrono::seconds clock_offset_{0};
  std::array<std::atomic<std::uint64_t>, fault_scope_count> numbers_{};
  std::mutex mutex_;
  std::array<double, fault_scope_count> tokens_{};
  std::array<clock::time_point, fault_scope_count> filled_at_{};
  std::string last_ticket_;
};

} // namespace hoist::server
