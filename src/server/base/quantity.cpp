#include "server/base/quantity.hpp"

#include <charconv>
#include <limits>
#include <span>

namespace hoist::server {
namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr unit durations[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
constexpr unit sizes[] = {{"", 1},
                          {"B", 1},
                          {"kB", 1000},
                          {"KB", 1000},
                          {"KiB", 1ULL << 10U},
                          {"MB", 1'000'000},
                          {"MiB", 1ULL << 20U},
                          {"GB", 1'000'000'000},
                          {"GiB", 1ULL << 30U}};

std::optional<std::uint64_t> scaled(std::string_view text, std::span<const unit> units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  const auto name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& candidate : units) {
    if (candidate.name != name) continue;
    // Half of the range is left, so that a later sum with the clock cannot wrap.
    if (number > std::numeric_limits<std::int64_t>::max() / 1'000'000 / candidate.factor) return std::nullopt;
    return number * candidate.factor;
  }
  return std::nullopt;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = scaled(text, durations);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return scaled(text, sizes);
}

std::optional<std::uint64_t> parse_rate(std::string_view text) {
  if (!text.ends_with("/s")) return std::nullopt;
  return parse_size(text.substr(0, text.size() - 2));
}

} // namespace hoist::server
