#pragma once

// How a test holds a thread, and waits for one, without sleeping.

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace hoist::test {

/// Whoever comes waits while it is closed.
class gate {
 public:
  static constexpr bool open = true, closed = false;
  explicit gate(bool is_open) : open_(is_open) {}
  ~gate() { let_pass(); }

  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return open_; });
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    open_ = false;
  }
  void let_pass() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_;
};

/// How often something has happened.
class tally {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++value_;
    changed_.notify_all();
  }
  int value() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  /// False when the watchdog comes first.
  bool reaches(int wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return value_ >= wanted; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int value_ = 0;
};

} // namespace hoist::test
