#include "cli/row_writer.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace hoist::cli {

row_writer::row_writer(unique_fd fd, const stop_sign& abandon, std::function<void(failure, int)> on_failure)
    : fd_(std::move(fd)), abandon_(abandon), on_failure_(std::move(on_failure)) {
  struct ::stat status {};
  may_block_ = ::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode);
}

void row_writer::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  while (!line.empty() && state() == failure::none) {
    if (!write_some(line)) return;
  }
}

bool row_writer::write_some(std::string_view& rest) {
  if (may_block_ && abandon_.wait_for(fd_.get(), POLLOUT) == stop_sign::readiness::stopped) {
    // The last rows are still offered, to a reader who takes them at once.
    pollfd now{fd_.get(), POLLOUT, 0};
    if (::poll(&now, 1, 0) != 1) return false;
  }
  // A pipe that is ready takes this much without blocking.
  const auto piece = may_block_ ? std::min<std::size_t>(rest.size(), PIPE_BUF) : rest.size();
  const auto count = ::write(fd_.get(), rest.data(), piece);
  if (count >= 0) {
    rest.remove_prefix(static_cast<std::size_t>(count));
  } else if (errno != EINTR && errno != EAGAIN) {
    fail(errno);
  }
  return true;
}

void row_writer::fail(int error) {
  const auto kind = error == EPIPE || error == EBADF ? failure::closed : failure::system;
  state_.store(kind, std::memory_order_release);
  on_failure_(kind, error);
}

} // namespace hoist::cli
