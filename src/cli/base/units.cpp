#include "cli/base/units.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace hoist::cli {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{unit{"ms", 1},       unit{"s", 1'000},     unit{"m", 60'000},
                                    unit{"min", 60'000}, unit{"h", 3'600'000}, unit{"d", 86'400'000}};

constexpr std::array size_units{unit{"", 1},
                                unit{"b", 1},
                                unit{"k", 1'000},
                                unit{"kb", 1'000},
                                unit{"kib", 1ULL << 10U},
                                unit{"m", 1'000'000},
                                unit{"mb", 1'000'000},
                                unit{"mib", 1ULL << 20U},
                                unit{"g", 1'000'000'000},
                                unit{"gb", 1'000'000'000},
                                unit{"gib", 1ULL << 30U},
                                unit{"t", 1'000'000'000'000},
                                unit{"tb", 1'000'000'000'000},
                                unit{"tib", 1ULL << 40U}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// "1.5" times a factor, rounded down; exact for whole numbers.
std::optional<std::uint64_t> multiplied(std::string_view number, std::uint64_t factor) {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  const auto dot = number.find('.');
  const auto whole = parse_count(number.substr(0, dot), 0, most);
  if (!whole || *whole > most / factor) return std::nullopt;
  std::uint64_t total = *whole * factor;
  if (dot == std::string_view::npos) return total;
  const auto digits = number.substr(dot + 1);
  if (digits.empty() || digits.size() > 18 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  auto scale = static_cast<double>(factor);
  double fraction = 0;
  for (const char c : digits) {
    scale /= 10;
    fraction += scale * (c - '0');
  }
  const auto extra = static_cast<std::uint64_t>(fraction + 1e-6);
  if (total > most - extra) return std::nullopt;
  return total + extra;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_with(std::string_view text, const std::array<unit, N>& units) {
  const auto* end = std::ranges::find_if_not(text, [](char c) { return is_digit(c) || c == '.'; });
  const auto number = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  const auto name = lower(text.substr(number.size()));
  const auto* found = std::ranges::find(units, std::string_view(name), &unit::name);
  if (number.empty() || found == units.end()) return std::nullopt;
  return multiplied(number, found->factor);
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text, bare_number bare) {
  constexpr std::uint64_t century_ms = 100ULL * 366 * 86'400'000;
  const bool without_unit = !text.empty() && is_digit(text.back());
  if (text == "0") return std::chrono::milliseconds{0};
  if (without_unit && bare == bare_number::refused) return std::nullopt;
  const auto ms = parse_with(without_unit ? std::string(text) + "s" : std::string(text), duration_units);
  if (!ms || *ms > century_ms) return std::nullopt;
  return std::chrono::milliseconds{*ms};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  return parse_with(text, size_units);
}

std::optional<std::uint64_t> parse_count(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || at != end || value < least || value > most) return std::nullopt;
  return value;
}

std::string size_text(double bytes) {
  constexpr std::array<std::string_view, 6> names{"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t i = 0;
  while (bytes >= 999.5 && i + 1 < names.size()) {
    bytes /= 1000;
    ++i;
  }
  if (i == 0) return fmt::format("{:.0f} B", bytes);
  return bytes < 9.95 ? fmt::format("{:.1f} {}", bytes, names[i]) : fmt::format("{:.0f} {}", bytes, names[i]);
}

std::string clock_text(std::chrono::seconds time) {
  const auto s = time.count();
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string duration_text(std::chrono::milliseconds time) {
  const auto ms = time.count();
  if (ms < 1000) return fmt::format("{} ms", ms);
  if (ms < 60'000) return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
  const auto s = ms / 1000;
  if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3600, s / 60 % 60);
}

} // namespace hoist::cli
