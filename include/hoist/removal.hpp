#pragma once

// Many stored files to delete: where their ids come from, where the reports go, and what came of it all.

#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace hoist {

/// What came of one id. An id that is gone already is deleted as far as anyone can see, and has no error.
struct removal_report {
  std::string id;
  error_code error;                     ///< clear: the API says that the file is gone
  diagnostics details;                  ///< of the last failure; meaningful when `error` is set
  int attempts = 0;                     ///< requests made
  std::chrono::milliseconds elapsed{0}; ///< from its first request to its end
};

/// For `remover::async_remove_all`.
struct removal {
  /// The next id, as a report or a manifest has it, or nothing when there is no more. Called on the remover's thread,
  /// one call at a time: it may read a file, but while it waits for something else nothing is deleted. May not throw.
  std::function<std::optional<std::string>()> next;

  /// Takes the report of each id that was settled, on the remover's thread, one call at a time. May not throw.
  std::function<void(removal_report&&)> sink;
};

struct removal_totals {
  std::uint64_t removed = 0;
  std::uint64_t failed = 0;
  std::uint64_t unsettled = 0; ///< taken and not settled, because it was stopped: deleted or not, and without a report
  bool complete = false;       ///< every id that `next` had is settled
  std::uint64_t requests = 0;
  std::chrono::milliseconds elapsed{0};
  diagnostics details; ///< when the operation's error_code is set: why it ended
};

} // namespace hoist
