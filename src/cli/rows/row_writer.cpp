#include "cli/rows/row_writer.hpp"

#include "cli/base/exit_code.hpp"

#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>
#include <system_error>

namespace hoist::cli {

namespace {

constexpr std::size_t collected_max = 64 * 1024;

/// Kept of a file's limit (`ulimit -f`) for the last row: a summary has some hundred bytes, and a message.
constexpr std::size_t last_row_bytes = 2048;

/// How large a file may grow by us, as far as we are told.
std::uint64_t file_bytes_max() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

std::optional<std::uint64_t> size_of(int fd) {
  struct ::stat now {};
  if (::fstat(fd, &now) != 0 || !S_ISREG(now.st_mode)) return std::nullopt;
  return static_cast<std::uint64_t>(now.st_size);
}

/// The longest run of whole lines that fits PIPE_BUF: atomic, and never blocks once poll says ready. A longer line is
/// cut.
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

void row_writer::write_last(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  write_all(std::exchange(collected_, {}));
  if (may_block_)
    write_all(line);
  else
    write_beyond_the_rest(line);
  closed_ = true;
}

/// Into the room that is kept, and behind a line that the disk had no room for: whole, or not at all.
void row_writer::write_beyond_the_rest(std::string_view line) {
  if (state() == failure::closed) return;
  cut_unfinished_line();
  auto rest = line;
  while (!rest.empty()) {
    const auto count = ::write(fd_.get(), rest.data(), rest.size());
    if (count >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      const int error = errno;
      unfinished_ = line.size() - rest.size();
      cut_unfinished_line();
      if (state() == failure::none) fail(error);
      return;
    }
  }
}

void row_writer::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void row_writer::write_all(std::string_view lines) {
  if (closed_) return;
  const auto fits = may_block_ ? lines.size() : room_for(lines);
  auto rest = lines.substr(0, fits);
  while (!rest.empty() && state() == failure::none) {
    if (!write_some(rest)) return;
  }
  if (state() == failure::none && fits < lines.size()) fail(EFBIG);
}

/// How much of `lines`, which are whole, the file may still grow by (`ulimit -f`).
std::size_t row_writer::room_for(std::string_view lines) const {
  const auto most = file_bytes_max();
  if (most == UINT64_MAX) return lines.size();
  const auto used = size_of(fd_.get());
  if (!used || *used + lines.size() + last_row_bytes <= most) return lines.size();
  if (*used + last_row_bytes >= most) return 0;
  return lines.substr(0, most - *used - last_row_bytes).rfind('\n') + 1; // none: 0
}

/// A disk that is full takes half a line. The file ends behind the last whole one again, unless somebody else wrote
/// since.
void row_writer::cut_unfinished_line() {
  const auto cut = std::exchange(unfinished_, 0);
  if (cut == 0) return;
  const auto size = size_of(fd_.get());
  if (!size || *size < cut) return;
  const auto whole = static_cast<off_t>(*size - cut);
  if (::lseek(fd_.get(), 0, SEEK_CUR) != static_cast<off_t>(*size)) return;
  if (::ftruncate(fd_.get(), whole) == 0) ::lseek(fd_.get(), whole, SEEK_SET);
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
    const auto written = rest.substr(0, static_cast<std::size_t>(count));
    const auto end = written.rfind('\n');
    unfinished_ = end == std::string_view::npos ? unfinished_ + written.size() : written.size() - end - 1;
    rest.remove_prefix(written.size());
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

std::string rows_unwritable(int error) {
  return "the rows cannot be written: " + std::generic_category().message(error);
}

} // namespace hoist::cli
