#pragma once

// Counts of what came of the inputs, for the summaries. Written by the thread that walks and by the one that takes
// reports; read by a third.

#include "cli/inputs/intake.hpp"

#include <hoist/report.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace hoist::cli {

struct counts {
  std::uint64_t taken = 0;   ///< handed to the library
  std::uint64_t settled = 0; ///< of them, come back
  std::uint64_t done = 0, failed = 0, skipped = 0, from_ledger = 0;
  std::uint64_t bytes = 0;                     ///< of done files
  std::map<std::string, std::uint64_t> causes; ///< of failures, by code
  std::map<std::string, std::uint64_t> skip_reasons;
  std::vector<std::string> failed_paths; ///< the first few
};

class tally {
 public:
  static constexpr std::size_t failed_paths_max = 10;

  void add(const input& decided);
  void add(const file_report& report);
  std::uint64_t failed() const;
  /// Whether everything that was handed to the library has come back, waiting for it for a while.
  bool wait_until_settled(std::chrono::milliseconds at_most) const;
  counts read() const;

 private:
  void add_failure(std::string_view code, const std::string& path);

  mutable std::mutex mutex_;
  mutable std::condition_variable settled_;
  counts counts_;
};

} // namespace hoist::cli
