// Durations, sizes and rates as people write them on a command line. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hoist::server {

// 10ms, 2s, 15m, 12h, 180d; a bare number is seconds.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
// 4096, 64KiB, 100MB, 2GiB: KB, MB, GB are powers of ten, KiB, MiB, GiB powers of two.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text);
// A size per second: 50MB/s.
[[nodiscard]] std::optional<std::uint64_t> parse_rate(std::string_view text);

} // namespace hoist::server
