#pragma once

// What came of deletions as JSON lines; the format is documented in README.md of this folder. Pure.

#include "cli/base/exit_code.hpp"

#include <hoist/removal.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace hoist::cli {

std::string removal_row(const removal_report& report);
std::string removal_plan_row(std::string_view id);

struct removal_facts {
  removal_totals totals;
  error_code error; ///< of the whole
  std::string message;
  std::uint64_t unreadable = 0; ///< lines of lists that were neither a row nor an id
  stop_cause stopped_by = stop_cause::none;
  bool complete = false;
  int exit_code = 0;
};
std::string removal_summary_row(const removal_facts& facts);

/// "12 deleted, 1 failed in 1.2 s"
std::string removal_line(const removal_facts& facts);

} // namespace hoist::cli
