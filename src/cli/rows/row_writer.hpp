#pragma once

// Where rows go. Those that are settled together go out together, by one write(2); nothing waits here for rows to come.
// Any thread may write. A reader that is slow holds the writer back, and with it the intake; a reader that is gone ends
// the run.

#include "cli/base/stop_sign.hpp"
#include "cli/base/unique_fd.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace hoist::cli {

class row_writer {
 public:
  enum class failure : std::uint8_t { none, closed, system };

  /// `abandon`: once up, nothing is waited for any more. `on_failure` is called once, by the thread that wrote.
  row_writer(unique_fd fd, const stop_sign& abandon, std::function<void(failure, int error)> on_failure);

  /// A whole line, and whatever was collected before it. Dropped after a failure, here and below.
  void write(std::string_view line);
  /// The last line, for which a file that may not grow has kept some room; after a failure as well, when the file takes
  /// it. Later ones are dropped.
  void write_last(std::string_view line);
  /// Nothing is written any more, whoever still has rows.
  void close();
  /// A whole line that may wait for the next `write` or `flush`.
  void collect(std::string_view line);
  void flush() { write({}); }

  failure state() const { return state_.load(std::memory_order_acquire); }
  int fd() const { return fd_.get(); }

 private:
  void write_all(std::string_view lines);
  bool write_some(std::string_view& rest);
  void write_beyond_the_rest(std::string_view line);
  std::size_t room_for(std::string_view lines) const;
  void cut_unfinished_line();
  void fail(int error);

  std::mutex mutex_;
  std::string collected_;
  unique_fd fd_;
  const stop_sign& abandon_;
  std::function<void(failure, int)> on_failure_;
  std::atomic<failure> state_{failure::none};
  bool may_block_ = false;     ///< pipes, terminals and sockets
  std::size_t unfinished_ = 0; ///< bytes written of a line whose end is not
  bool closed_ = false;
};

/// What `status` becomes by what became of the rows: a run that ended well ends with their failure.
int status_after_output(int status, row_writer::failure rows);

/// Why, with errno `error`.
std::string rows_unwritable(int error);

} // namespace hoist::cli
