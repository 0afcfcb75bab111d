#pragma once

// Reads paths from a descriptor, as they come: the first is handed on before the last is written. A read that waits
// ends when the stop sign goes up.

#include "cli/base/stop_sign.hpp"
#include "cli/base/unique_fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace hoist::cli {

class list_reader {
 public:
  /// A longer entry is no path: PATH_MAX is 4096 on Linux. Most likely the separator is wrong.
  static constexpr std::size_t entry_bytes_max = 65'536;

  list_reader(unique_fd fd, char separator, const stop_sign& stop);

  /// The next entry that is not empty; nothing at the end, after an error, and once stopped.
  std::optional<std::string> next();

  /// What ended the list early; empty when nothing did.
  const std::string& error() const { return error_; }

 private:
  bool fill();

  unique_fd fd_;
  char separator_;
  const stop_sign& stop_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
  std::string error_;
};

} // namespace hoist::cli
