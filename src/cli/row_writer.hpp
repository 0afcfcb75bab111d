#pragma once

// Where rows go: one write(2) for each, so that a row is out as soon as its file is settled. Any thread may write. A
// reader that is slow holds the writer back, and with it the intake; a reader that is gone ends the run.

#include "cli/stop_sign.hpp"
#include "cli/unique_fd.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string_view>

namespace hoist::cli {

class row_writer {
 public:
  enum class failure : std::uint8_t { none, closed, system };

  /// `abandon`: once up, nothing is waited for any more. `on_failure` is called once, by the thread that wrote.
  row_writer(unique_fd fd, const stop_sign& abandon, std::function<void(failure, int error)> on_failure);

  /// A whole line. Dropped after a failure.
  void write(std::string_view line);

  failure state() const { return state_.load(std::memory_order_acquire); }
  int fd() const { return fd_.get(); }

 private:
  bool write_some(std::string_view& rest);
  void fail(int error);

  std::mutex mutex_;
  unique_fd fd_;
  const stop_sign& abandon_;
  std::function<void(failure, int)> on_failure_;
  std::atomic<failure> state_{failure::none};
  bool may_block_ = false; ///< pipes, terminals and sockets
};

} // namespace hoist::cli
