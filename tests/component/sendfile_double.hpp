#pragma once

// sendfile in the hands of a test: it takes the place of the C library's in the whole program, and is that until told
// otherwise.

#include <sys/types.h>

#include <cstddef>
#include <functional>

namespace hoist::test {

/// While it lives, sendfile on this thread is `play`, which gets the number of the call (1, 2, ...) and the real thing.
/// To fail, `play` sets errno and returns -1.
class sendfile_double {
 public:
  using real = std::function<ssize_t(std::size_t most)>;
  using script = std::function<ssize_t(int call, std::size_t most, const real& send)>;

  explicit sendfile_double(script play);
  ~sendfile_double();
  sendfile_double(const sendfile_double&) = delete;
  sendfile_double& operator=(const sendfile_double&) = delete;

  int calls() const noexcept;
};

} // namespace hoist::test
