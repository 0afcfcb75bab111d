#pragma once

// A file at its end, on its way from whoever settled it through the journal to its operation's callbacks.

#include <hoist/observer.hpp>
#include <hoist/report.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace hoist::engine {

class run;

struct settled {
  std::shared_ptr<run> owner;
  file_report report;
  std::string record_name; ///< in the ledger; empty: the report's path
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::vector<std::string> unconfirmed; ///< ids under which something may be stored beside what the report tells
  bool abandoned = false;
  bool recorded = false; ///< the ledger need not be told: it told us, or it cannot know this source by a name
};

struct log_line {
  severity level;
  std::string text;
};

} // namespace hoist::engine
