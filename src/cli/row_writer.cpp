#include "cli/row_writer.hpp"

#include "cli/exit_code.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <system_error>

namespace hoist::cli {

namespace {

constexpr std::size_t collected_max = 64 * 1024;

/// How much of `lines` a pipe that is ready takes without blocking: whole lines, so that those of other writers to it do
/// not come in between, unless one is longer than that.
std::size_t piece_of(std::string_view lines) {
  if (lines.size() <= PIPE_BUF) return lines.size();
  const auto end = lines.substr(0, PIPE_BUF).rfind('\n');
  return end == std::string_view::npos ? PIPE_BUF : end + 1;
}

} // namespace

row_writer::row_writer(unique_fd fd, const stop_sign& abandon, std::function<void(failure, int)> on_failure)
    : fd_(std::move(fd)), abandon_(abandon), on_failure_(std::move(on_failure)) {
  struct ::stat status {};
  may_block_ = ::fstat(fd_.get(), &status) != 0 || !S_ISREG(status.st_mode);
}

void row_writer::collect(std::string_view line) {
  const std::lock_guard lock(mutex_);
  collected_ += line;
  if (collected_.size() < collected_max) return;
  write_all(collected_);
  collected_.clear();
}

void row_writer::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (collected_.empty()) return write_all(line);
  collected_ += line;
  write_all(collected_);
  collected_.clear();
}

void row_writer::write_all(std::string_view lines) {
  while (!lines.empty() && state() == failure::none) {
    if (!write_some(lines)) return;
  }
}

bool row_writer::write_some(std::string_view& rest) {
  if (may_block_ && abandon_.wait_for(fd_.get(), POLLOUT) == stop_sign::readiness::stopped) {
    // The last rows are still offered, to a reader who takes them at once.
    pollfd now{fd_.get(), POLLOUT, 0};
    if (::poll(&now, 1, 0) != 1) return false;
  }
  const auto piece = may_block_ ? piece_of(rest) : rest.size();
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

int status_after_output(int status, row_writer::failure rows) {
  const bool ended_well = status == exit_status::success || status == exit_status::some_failed;
  if (!ended_well || rows == row_writer::failure::none) return status;
  return rows == row_writer::failure::closed ? exit_status::output_closed : exit_status::fatal;
}

std::string rows_unwritable(int error) { return "the rows cannot be written: " + std::generic_category().message(error); }

} // namespace hoist::cli
