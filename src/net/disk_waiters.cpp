#include "net/disk_waiters.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace hoist::net {

namespace {

// Each waits for the disk and does nothing else. A disk that hangs takes one for each file that is read from it, which
// is bounded by the PUTs in flight; beyond this many the others wait for a thread as well.
constexpr int threads_max = 64;

class waiters {
 public:
  /// False where no thread is to be had: `wait` has not been taken then.
  bool post(std::function<void()>& wait) {
    const std::lock_guard lock(mutex_);
    if (idle_ <= static_cast<int>(waits_.size()) && threads_ < threads_max && !add_thread() && threads_ == 0)
      return false;
    waits_.push_back(std::move(wait));
    wake_.notify_one();
    return true;
  }

 private:
  bool add_thread() {
    try {
      std::thread([this] { serve(); }).detach();
      ++threads_;
      return true;
    } catch (const std::system_error&) { // those that were to be had are enough
      return false;
    }
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      ++idle_;
      wake_.wait(lock, [&] { return !waits_.empty(); });
      --idle_;
      const auto wait = std::move(waits_.front());
      waits_.pop_front();
      lock.unlock();
      wait();
      lock.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waits_;
  int threads_ = 0, idle_ = 0;
};

/// Never destroyed: it would be joined at exit, before static uploaders that wait for it, by a forked child that has no
/// such threads, and for as long as a disk takes.
waiters& all_waiters() {
  static auto* const all = new waiters;
  return *all;
}

} // namespace

struct disk_fetch::state {
  std::mutex mutex;
  /// Keeps the waiter's executor, until it has been told or is gone: then that may be gone as well.
  std::optional<asio::executor_work_guard<executor>> work;

  // Of the waiter's thread.
  bool done = false;
  std::function<void()> wake; ///< empty once the waiter is gone
};

disk_fetch::disk_fetch(disk_wait piece, executor ex, std::function<void()> wake) : state_(std::make_shared<state>()) {
  state_->work.emplace(ex);
  state_->wake = std::move(wake);
  auto shared = std::make_shared<disk_wait>(std::move(piece));
  std::function<void()> wait = [shared, s = state_] {
    (*shared)();
    const std::lock_guard lock(s->mutex);
    if (!s->work) return;
    // Once the handler may run, its thread may end the context: the guard goes with it.
    const executor back = s->work->get_executor();
    asio::post(back, [s, work = std::exchange(s->work, std::nullopt)] {
      s->done = true;
      if (s->wake) s->wake();
    });
  };
  if (all_waiters().post(wait)) return;
  (*shared)();
  state_->done = true;
  state_->work.reset();
}

disk_fetch::~disk_fetch() {
  state_->wake = nullptr;
  const std::lock_guard lock(state_->mutex);
  state_->work.reset();
}

bool disk_fetch::done() const noexcept {
  return state_->done;
}

task<void> wait_elsewhere(disk_wait piece) {
  const executor ex = co_await asio::this_coro::executor;
  timer asleep(ex, timer::time_point::max());
  const disk_fetch fetch(std::move(piece), ex, [&asleep] { asleep.cancel(); });
  while (!fetch.done()) {
    error_code woken;
    co_await asleep.async_wait(asio::redirect_error(use_task, woken));
  }
}

} // namespace hoist::net
