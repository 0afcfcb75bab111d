#include "cli/base/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace hoist::cli {

namespace {

constexpr std::string_view erase_line = "\r\x1b[K";

} // namespace

terminal::terminal(int fd, std::string_view type)
    : fd_(fd), can_redraw_(::isatty(fd) == 1 && !type.empty() && type != "dumb") {}

terminal::~terminal() {
  clear_bar();
}

std::size_t terminal::width() const {
  winsize size{};
  if (::ioctl(fd_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

void terminal::print(std::string_view line) {
  const std::lock_guard lock(mutex_);
  std::string text;
  if (!bar_.empty()) text += erase_line;
  text.append(line).append("\n").append(bar_);
  write(text);
}

void terminal::show_bar(std::string line) {
  const std::lock_guard lock(mutex_);
  if (!can_redraw_ || (line.empty() && bar_.empty())) return;
  bar_ = std::move(line);
  write(std::string(erase_line) + bar_);
}

/// A message that cannot be shown must not end the run.
void terminal::write(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(fd_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

} // namespace hoist::cli
