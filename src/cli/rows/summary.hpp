#pragma once

// The end of a run in words, for stderr. Pure.

#include "cli/rows/rows.hpp"
#include "cli/rows/tally.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace hoist::cli {

/// "gave_up 3, source_missing 1"
std::string causes_text(const std::map<std::string, std::uint64_t>& causes);

/// Lines of the summary: counts, causes, the first failed paths, bytes, times, rates, and how to retry.
std::vector<std::string> summary_lines(const summary_facts& facts, const counts& numbers, std::uint64_t hidden_taken,
                                       const std::string& retry);

/// Why the exit status is not 0, in one line that even -q shows; empty when it is 0.
std::string failure_line(const summary_facts& facts, const counts& numbers);

/// The command that goes on where this one ended, as words for sh: as it was typed, less what would start it anew.
std::string retry_text(std::span<const std::string> words);

} // namespace hoist::cli
