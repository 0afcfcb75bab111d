#include "net/disk_waiters.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>

#include <utility>

namespace hoist::net {

namespace {

constexpr std::size_t waiting_threads = 4;

/// Never destroyed: it would be joined at exit, before static uploaders that wait for it, by a forked child that has no
/// such threads, and for as long as a disk takes.
asio::thread_pool& waiters() {
  static auto& threads = *new asio::thread_pool(waiting_threads);
  return threads;
}

} // namespace

task<void> wait_elsewhere(disk_wait piece) {
  const executor ex = co_await asio::this_coro::executor;
  // A named object: GCC 12 may destroy a temporary inside a co_await expression twice.
  auto start = [&](auto handler) {
    auto wait = [piece = std::move(piece), handler = std::move(handler), work = asio::make_work_guard(ex)]() mutable {
      piece();
      // Once the handler may run, its thread may end the context: nothing here touches that any more, the guard included.
      const executor back = work.get_executor();
      asio::post(back, [handler = std::move(handler), work = std::move(work)]() mutable { std::move(handler)(); });
    };
    asio::post(waiters(), std::move(wait));
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>&, void()>(start, use_task);
}

} // namespace hoist::net
