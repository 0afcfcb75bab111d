#pragma once

// The disk in the hands of a test: pread and preadv2 take the places of the C library's in the whole program, and are
// those until told otherwise.

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace hoist::test {

/// While it lives, a read that must not wait (RWF_NOWAIT) is `at_once`, which gets the bytes asked for and the real
/// thing; to fail, it sets errno and returns -1. One that may wait is preceded by `waiting`, on the thread that waits.
/// One at a time.
class disk_double {
 public:
  using real = std::function<ssize_t(std::size_t bytes)>;
  using answer = std::function<ssize_t(std::size_t bytes, const real& read)>;

  explicit disk_double(answer at_once, std::function<void()> waiting = {});
  ~disk_double();
  disk_double(const disk_double&) = delete;
  disk_double& operator=(const disk_double&) = delete;

  int reads_at_once() const noexcept;
  int reads_that_wait() const noexcept;
};

} // namespace hoist::test
