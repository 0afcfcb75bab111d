#pragma once

// Durations and sizes as people write them, and as people read them.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::cli {

/// What a number without a unit means. Zero needs no unit anywhere.
enum class bare_number { refused, seconds };

/// "10ms", "2s", "15m", "1h", "30d"; fractions are fine ("1.5h"). Nothing when it is no duration or exceeds 100 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, bare_number bare = bare_number::refused);

/// "4096", "64KiB", "100MB", "1.5GiB": KiB is 1024, KB (and K) 1000. Nothing when it is no size.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// A decimal number without sign, within the range.
std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t least, std::uint64_t most);

/// "999 B", "1.5 MB": powers of 1000.
std::string size_text(double bytes);

/// "0:07", "12:34", "1:02:03".
std::string clock_text(std::chrono::seconds time);

/// "350 ms", "12.3 s", "4 min 10 s", "2 h 5 min".
std::string duration_text(std::chrono::milliseconds time);

} // namespace hoist::cli
