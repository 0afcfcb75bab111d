#include "denied_calls.hpp"
#include "disk_double.hpp"

#include "net/disk_waiters.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <thread>

namespace hoist::net {
namespace {

// Where no thread is to be had the wait takes place here, and the file goes on. (regression: it waited for ever, with
// its run) By itself: once the process has such threads, there is nothing to be refused.
TEST(disk_waiters, regression_without_a_thread) {
  const test::disk_double disk([](std::size_t bytes, const auto& read) { return read(bytes); });
  const int file = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  bool denied = false, resumed = false;
  std::exception_ptr thrown;
  std::thread([&] {
    asio::io_context context;
    auto wait = [&]() -> task<void> {
      co_await wait_elsewhere(disk_wait(file, 4096));
      resumed = true;
    };
    denied = test::deny_calls({SYS_clone, SYS_clone3}, EAGAIN); // as from `ulimit -u`, which does not bind root
    asio::co_spawn(context, wait, [&](std::exception_ptr e) { thrown = e; });
    context.run();
  }).join();
  ::close(file);
  if (!denied) GTEST_SKIP() << "no seccomp filter can be installed here";
  EXPECT_FALSE(thrown);
  EXPECT_GT(disk.reads_that_wait(), 0);
  EXPECT_TRUE(resumed);
}

} // namespace
} // namespace hoist::net
