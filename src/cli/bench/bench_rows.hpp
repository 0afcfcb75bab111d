#pragma once

// A benchmark's results as JSON lines; the format is documented in README.md of this folder. Pure.

#include "cli/base/exit_code.hpp"
#include "cli/bench/bench_sweep.hpp"

#include <hoist/removal.hpp>

#include <cstdint>
#include <string>

namespace hoist::cli {

std::string cell_row(const bench_cell& cell);
std::string knee_row(const bench_sweep& sweep);

struct bench_facts {
  std::uint64_t cells = 0;
  std::uint64_t made = 0;   ///< objects that are stored, as far as is known
  std::uint64_t failed = 0; ///< uploads
  std::uint64_t bytes = 0;  ///< of what was made
  std::uint64_t deleted = 0;
  std::uint64_t left = 0; ///< not deleted; their ids are in a file
  double seconds = 0;     ///< all of it
  double delete_seconds = 0;
  bool complete = false; ///< every size was measured
  bool kept = false;     ///< as was asked for
  stop_cause stopped_by = stop_cause::none;
  error_code error;
  std::string message;
  int exit_code = 0;
};
std::string bench_summary_row(const bench_facts& facts);

} // namespace hoist::cli
