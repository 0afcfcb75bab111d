#include "net/disk_waiters.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace hoist::net {

namespace {

constexpr int threads_wanted = 4;

struct queue {
  asio::io_context waits{threads_wanted};
  asio::executor_work_guard<executor> never_done{waits.get_executor()};
};

/// As many threads as are to be had serve one queue (a thread pool of Asio's would wait for ever for those it has, once it
/// is refused another). Null when there is none.
std::unique_ptr<queue> served_queue() {
  auto made = std::make_unique<queue>();
  int serving = 0;
  try {
    for (; serving < threads_wanted; ++serving) std::thread([waits = &made->waits] { waits->run(); }).detach();
  } catch (const std::system_error&) { // those that were to be had are enough
    if (serving == 0) return nullptr;
  }
  return made;
}

/// Never destroyed: it would be joined at exit, before static uploaders that wait for it, by a forked child that has no
/// such threads, and for as long as a disk takes. Null while no thread is to be had.
queue* waiters() {
  static std::mutex mutex;
  static queue* found = nullptr;
  const std::lock_guard lock(mutex);
  if (found == nullptr) found = served_queue().release();
  return found;
}

} // namespace

task<void> wait_elsewhere(disk_wait piece) {
  const executor ex = co_await asio::this_coro::executor;
  queue* const elsewhere = waiters();
  if (elsewhere == nullptr) {
    piece();
    co_return;
  }
  // A named object: GCC 12 may destroy a temporary inside a co_await expression twice.
  auto start = [&](auto handler) {
    auto wait = [piece = std::move(piece), handler = std::move(handler), work = asio::make_work_guard(ex)]() mutable {
      piece();
      // Once the handler may run, its thread may end the context: nothing here touches that any more, the guard included.
      const executor back = work.get_executor();
      asio::post(back, [handler = std::move(handler), work = std::move(work)]() mutable { std::move(handler)(); });
    };
    asio::post(elsewhere->waits, std::move(wait));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>&, void()>(start, use_task);
}

} // namespace hoist::net
