#pragma once

// Owns a file descriptor.

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace hoist::cli {

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

/// Of a standard stream, say: closing it leaves the original open.
inline unique_fd copy_of(int fd) {
  return unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

} // namespace hoist::cli
