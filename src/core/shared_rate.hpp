#pragma once

// One rate for all schedulers that ask the same host: what one learns of its limit all know, their requests are spaced
// together, and who has more to do gets more of it. Any thread; while the host has never throttled, a short lock for each
// answer.

#include "core/rate.hpp"

#include <atomic>
#include <mutex>

namespace hoist::core {

class shared_rate {
 public:
  explicit shared_rate(rate_policy policy = {}) noexcept : rate_(policy) {}

  bool limited() const noexcept { return limited_.load(std::memory_order_relaxed); }

  /// Calls `what` with the rate, and nobody else at the same time.
  template <class F>
  auto with(F what) {
    const std::lock_guard lock(mutex_);
    struct at_end {
      shared_rate& all;
      ~at_end() { all.limited_.store(all.rate_.limited(), std::memory_order_relaxed); }
    } const note{*this};
    return what(rate_);
  }

 private:
  std::mutex mutex_;
  rate rate_;
  std::atomic<bool> limited_{false};
};

} // namespace hoist::core
