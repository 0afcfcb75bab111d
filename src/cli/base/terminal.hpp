#pragma once

// stderr, shared by log lines and the progress bar: a line never lands in the middle of a bar. Any thread may use it.
//
// Escape sequences and carriage returns go out only when stderr is a terminal that understands them; colours never.

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace hoist::cli {

class terminal {
 public:
  /// `type`: the TERM variable.
  terminal(int fd, std::string_view type);
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  bool can_redraw() const { return can_redraw_; }
  std::size_t width() const;

  /// A whole line, without its newline; what it holds must have been escaped.
  void print(std::string_view line);

  /// Replaces the bar. Nothing happens where it cannot be redrawn.
  void show_bar(std::string line);
  void clear_bar() { show_bar({}); }

 private:
  void write(std::string_view text);

  int fd_;
  bool can_redraw_;
  std::mutex mutex_;
  std::string bar_;
};

} // namespace hoist::cli
