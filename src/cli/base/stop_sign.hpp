#pragma once

// A flag that a thread blocked in poll(2) can see. Raised once, never lowered.

#include "cli/base/unique_fd.hpp"

#include <atomic>

namespace hoist::cli {

class stop_sign {
 public:
  /// Throws std::system_error.
  stop_sign();

  /// From any thread.
  void raise() noexcept;
  bool is_up() const noexcept { return up_.load(std::memory_order_acquire); }

  enum class readiness { ready, stopped };
  /// Waits until `fd` is ready for `events` (as poll(2) has them) or the sign is up.
  readiness wait_for(int fd, short events) const noexcept;

 private:
  std::atomic<bool> up_{false};
  unique_fd event_;
};

} // namespace hoist::cli
