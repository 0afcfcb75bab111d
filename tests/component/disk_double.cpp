#include "disk_double.hpp"

#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <utility>

namespace hoist::test {

namespace {

std::mutex mutex; // whoever waits for the disk does so on threads of its own
disk_double::answer playing;
std::function<void()> before_waiting;
std::atomic<int> at_once_count{0}, waiting_count{0};

template <class T>
T current(T& shared) {
  const std::lock_guard lock(mutex);
  return shared;
}

} // namespace

disk_double::disk_double(disk_double::answer at_once, std::function<void()> waiting) {
  const std::lock_guard lock(mutex);
  playing = std::move(at_once);
  before_waiting = std::move(waiting);
  at_once_count = waiting_count = 0;
}

disk_double::~disk_double() {
  const std::lock_guard lock(mutex);
  playing = nullptr;
  before_waiting = nullptr;
}

int disk_double::reads_at_once() const noexcept {
  return at_once_count;
}
int disk_double::reads_that_wait() const noexcept {
  return waiting_count;
}

} // namespace hoist::test

extern "C" ssize_t pread(int from, void* to, std::size_t bytes, off_t at) {
  using namespace hoist::test;
  static const auto real = reinterpret_cast<ssize_t (*)(int, void*, std::size_t, off_t)>(::dlsym(RTLD_NEXT, "pread"));
  ++waiting_count;
  if (const auto waiting = current(before_waiting)) waiting();
  return real(from, to, bytes, at);
}

extern "C" ssize_t preadv2(int from, const iovec* to, int count, off_t at, int flags) {
  using namespace hoist::test;
  using function = ssize_t (*)(int, const iovec*, int, off_t, int);
  static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "preadv2"));
  ++at_once_count;
  const auto told = (flags & RWF_NOWAIT) != 0 ? current(playing) : nullptr;
  if (!told) return real(from, to, count, at, flags);
  // What a test lets through may wait: it is about the bytes then, and not about the disk.
  const auto read = [&](std::size_t bytes) {
    const iovec less{to->iov_base, bytes};
    return real(from, &less, 1, at, 0);
  };
  return told(to->iov_len, read);
}
