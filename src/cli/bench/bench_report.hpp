#pragma once

// A benchmark's results as text: a table for each size, and what they come to. Pure.

#include "cli/bench/bench_sweep.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace hoist::cli {

/// "4 KiB", "1.5 MiB", "100 B": sizes of objects, which people choose in powers of two.
std::string object_size_text(std::uint64_t bytes);

/// Three digits: "0.12", "4.56", "78.9", "123".
std::string milliseconds_text(std::uint64_t micros);

/// "12.3", "45600": objects a second.
std::string rate_text(double per_second);

/// The table of one size, its knee marked, and a line that says what it comes to. No line is longer than `width`, down
/// to 46 columns: what matters least is left out.
std::vector<std::string> sweep_table(const bench_sweep& sweep, std::size_t width);

/// The last line: the most objects and the most bytes a second, and where. Empty when nothing was measured.
std::string closing_text(const std::vector<bench_sweep>& sweeps);

/// Broken at spaces; what follows the first line is indented.
std::vector<std::string> wrapped_text(std::string_view text, std::size_t width);

/// "4 KiB, 8 at once: 312 objects/s, 1.3 MB/s", for the progress.
std::string cell_line(const bench_cell& cell);

} // namespace hoist::cli
