#pragma once

// Reports and decisions as JSON lines; the format is documented in README.md of this folder. Pure.

#include "cli/base/exit_code.hpp"
#include "cli/inputs/intake.hpp"
#include "cli/rows/json.hpp"

#include <hoist/report.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::cli {

/// Why --retry-failed passes a file over.
constexpr std::string_view not_failed_reason = "not_failed_before";

/// A file that the library settled.
std::string result_row(const file_report& report);
/// A file that was skipped, or failed before the library saw it.
std::string result_row(const input& decided);

/// What an upload would do with it. `bytes_max`: as in hoist::options, 0 is no limit.
struct plan {
  std::string_view action; ///< "upload", "skip" or "fail"
  std::string_view reason; ///< empty for an upload
  std::string_view message;
};
plan plan_for(const input& decided, std::uint64_t bytes_max);
std::string plan_row(const input& decided, const plan& plan, std::string_view content_type);

struct summary_facts {
  batch_report batch;
  std::uint64_t done = 0, failed = 0, skipped = 0;
  std::uint64_t from_ledger = 0;
  std::optional<std::uint64_t> unsettled; ///< nothing: unknown, since not everything named was looked at
  bool complete = false;
  int exit_code = 0;
  stop_cause stopped_by = stop_cause::none;
  error_code error; ///< of the run
  std::string message;
};
std::string summary_row(const summary_facts& facts);

struct plan_facts {
  std::uint64_t upload = 0, skip = 0, fail = 0;
  std::uint64_t bytes = 0;
  bool complete = false;
};
std::string plan_summary_row(const plan_facts& facts);

/// The beginning of every row.
json_line row(std::string_view type);

/// All keys are always there, null when unknown: a reader need not ask.
void add_error(json_line& line, error_code ec, const diagnostics& details);

/// How a run ended, as the last row of each command tells it.
struct run_end {
  int exit_code;
  stop_cause stopped_by;
  error_code error;
  std::string_view message; ///< empty: nothing went wrong
};
void add_end(json_line& line, const run_end& end);

/// "source_missing"; "unexpected" for a code that is not the library's.
std::string_view code_name(error_code ec);

/// "2026-01-31T23:59:59.123Z"
std::string utc_text(wall_time time);

} // namespace hoist::cli
