#pragma once

// What asks the process to end: signals, and troubles of its own (no memory, a log that cannot be written). One thread
// does nothing but wait for them, so that a second signal is obeyed whatever the others hang in: a disk, a name
// service, a reader.
//
//   first signal       told to whoever listens, who stops its intake and drains; where nobody listens the process ends
//   second signal      told as well, and the process ends within `second_signal_time`, by _exit if need be
//
// Every catchable signal whose default is to end a process counts, unless it was ignored when we were started (nohup).
// SIGINT and SIGQUIT are ignored in what a shell's script starts in the background, so that a Ctrl-C meant for others
// does not reach it: those of the terminal stay ignored then, while one that a process sends on purpose counts.

#include "cli/base/exit_code.hpp"

#include <chrono>
#include <functional>

namespace hoist::cli {

/// From the second signal to the end of the process.
constexpr std::chrono::milliseconds second_signal_time{850};
/// From there to a summary without those who did not answer: what is left is for writing it.
constexpr std::chrono::milliseconds second_signal_grace{300};

struct end_ask {
  stop_cause cause = stop_cause::none;
  int nth = 0;   ///< of a signal: the how manieth; of a trouble: 0
  int error = 0; ///< of a trouble: errno, where it has one
};

/// In main, before any other thread begins: each inherits what it must not be interrupted by. Throws std::system_error.
void watch_for_ends();

/// A trouble that the run cannot go on with; the first one counts. Any thread; neither throws nor allocates.
void ask_to_end(stop_cause trouble, int error = 0) noexcept;
/// Whether that was said, and with which cause.
end_ask trouble_so_far() noexcept;

/// The process ends with `status` when `at_most` has passed, whatever hangs then. The earliest such end counts.
void end_within(std::chrono::milliseconds at_most, int status) noexcept;

/// While it lives, signals are told instead of ending the process. One at a time.
class end_listener {
 public:
  /// `tell` is called by the watching thread, and must not block. `bound`: from the first signal to the end of the
  /// process if nothing comes of it; zero for none.
  end_listener(std::function<void(const end_ask&)> tell, std::chrono::milliseconds bound);
  ~end_listener();
  end_listener(const end_listener&) = delete;
  end_listener& operator=(const end_listener&) = delete;

 private:
  friend class end_watcher;
  std::function<void(const end_ask&)> tell_;
  std::chrono::milliseconds bound_;
};

} // namespace hoist::cli
