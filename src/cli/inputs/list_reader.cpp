#include "cli/inputs/list_reader.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hoist::cli {

list_reader::list_reader(unique_fd fd, char separator, const stop_sign& stop)
    : fd_(std::move(fd)), separator_(separator), stop_(stop), buffer_(2 * entry_bytes_max) {}

std::optional<std::string> list_reader::next() {
  std::string entry;
  while (!stop_.is_up()) {
    if (begin_ == end_ && !fill()) {
      if (entry.empty()) return std::nullopt;
      return entry;
    }
    const auto first = buffer_.begin() + static_cast<std::ptrdiff_t>(begin_);
    const auto last = buffer_.begin() + static_cast<std::ptrdiff_t>(end_);
    const auto found = std::find(first, last, separator_);
    entry.append(first, found);
    begin_ += static_cast<std::size_t>(found - first) + (found == last ? 0 : 1);
    if (entry.size() > entry_bytes_max) {
      ended_ = true;
      begin_ = end_;
      error_ = separator_ == '\0'
                   ? "an entry is longer than 65536 bytes; is the list separated by lines? Then leave out -0"
                   : "an entry is longer than 65536 bytes; is the list separated by NUL? Then add -0";
      return std::nullopt;
    }
    if (found != last && !entry.empty()) return entry;
  }
  return std::nullopt;
}

bool list_reader::fill() {
  while (!ended_) {
    if (stop_.wait_for(fd_.get(), POLLIN) == stop_sign::readiness::stopped) return false;
    const auto count = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (count > 0) {
      begin_ = 0;
      end_ = static_cast<std::size_t>(count);
      return true;
    }
    if (count == 0) ended_ = true;
    if (count < 0 && errno != EINTR && errno != EAGAIN) {
      error_ = std::strerror(errno);
      ended_ = true;
    }
  }
  return false;
}

} // namespace hoist::cli
