#include "disk_double.hpp"

#include "net/disk_waiters.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <exception>
#include <iterator>
#include <thread>

namespace hoist::net {
namespace {

/// The calling thread may start no others from now on: EAGAIN, as from `ulimit -u`, which does not bind root. False where the
/// system does not let a process do that to itself.
bool deny_threads() {
  ::sock_filter rules[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAGAIN),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  ::sock_fprog program{static_cast<unsigned short>(std::size(rules)), rules};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Where no thread is to be had the wait takes place here, and the file goes on. (regression: it waited for ever, with its run)
// By itself: once the process has such threads, there is nothing to be refused.
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
    denied = deny_threads();
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
