#pragma once

// One rate for all schedulers that ask the same host: what one learns of its limit all know, their requests are spaced
// together, and who has more to do gets more of it. Any thread; while the host has never throttled, a short lock for
// each answer.

#include "core/pace/rate.hpp"

#include <atomic>

namespace hoist::core {

class shared_rate {
 public:
  explicit shared_rate(rate_policy policy = {}) noexcept : rate_(policy) {}

  bool limited() const noexcept { return limited_.load(std::memory_order_relaxed); }

  /// Calls `what` with the rate, and nobody else at the same time.
  template <class F>
  auto with(F what) {
    while (busy_.test_and_set(std::memory_order_acquire)) busy_.wait(true, std::memory_order_relaxed);
    struct at_end {
      shared_rate& all;
      ~at_end() {
        all.limited_.store(all.rate_.limited(), std::memory_order_relaxed);
        all.busy_.clear(std::memory_order_release);
        all.busy_.notify_one();
      }
    } const release{*this};
    return what(rate_);
  }

 private:
  std::atomic_flag busy_; ///< held for some arithmetic at most
  rate rate_;
  std::atomic<bool> limited_{false};
};

} // namespace hoist::core
