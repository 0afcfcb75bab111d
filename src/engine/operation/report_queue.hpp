#pragma once

// Reports that are due, between the journal and the one thread that tells them. Whoever writes never waits for whoever
// reads: what bounds the files in here is the window of each operation (`limits::files_inside`), since a file is open
// until it has been told.

#include "core/base/time.hpp"
#include "engine/operation/settled.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace hoist::engine {

class report_queue {
 public:
  /// While a callback blocks; what comes on top is counted and not kept. Lines are for people, who read fewer.
  static constexpr std::size_t lines_max = 1024;

  struct contents {
    std::vector<settled> files;
    std::vector<log_line> lines;
    std::size_t lines_lost = 0;
    bool ended = false; ///< `end` was called
    bool empty() const noexcept { return files.empty() && lines.empty() && !ended; }
    void clear();
  };

  // ---- the journal's thread: a group is spread over its queues first, so that each is locked and woken once

  bool nothing_staged() const noexcept { return staged_.empty(); }
  void stage(settled&& file) { staged_.push_back(std::move(file)); }
  void post();

  // ---- any thread

  void log(severity level, const std::string& text);
  /// Nothing comes any more, but for files that are open.
  void end();

  // ---- the one thread that reads

  /// All there is, in exchange for `into`, whose room is used again. Waits until there is something, or until
  /// `deadline`.
  void take(contents& into, std::optional<core::instant> deadline);

 private:
  template <class Change>
  void change(Change make);

  std::vector<settled> staged_;

  std::mutex mutex_;
  std::condition_variable wake_;
  contents waiting_;
  bool asleep_ = false;
};

} // namespace hoist::engine
