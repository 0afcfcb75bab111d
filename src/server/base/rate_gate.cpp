#include "server/base/rate_gate.hpp"

#include <algorithm>

namespace hoist::server {
namespace {
// Timers are not finer than this in practice: shorter debts are carried instead of waited for, and as much of what a
// late timer lost may be made up.
constexpr std::int64_t slack_ns = 5'000'000;
constexpr std::uint64_t portion_min = 16 * 1024;
} // namespace

std::chrono::nanoseconds rate_gate::charge(std::uint64_t bytes, std::chrono::nanoseconds now) noexcept {
  const auto cost = static_cast<std::int64_t>(bytes * 1'000'000'000ULL / bytes_per_second_);
  auto before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t after = 0;
  do {
    after = std::max(before, now.count() - slack_ns) + cost;
  } while (!paid_until_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  const auto debt = after - now.count();
  return std::chrono::nanoseconds{debt > slack_ns ? debt : 0};
}

std::size_t rate_gate::portion(std::size_t largest) const noexcept {
  if (unlimited()) return largest;
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(bytes_per_second_ / 100, portion_min, largest));
}

} // namespace hoist::server
