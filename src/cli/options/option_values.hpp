#pragma once

// Values of options, checked and with units. All throw usage_error, whose text names the flag or variable, what stood
// there, and what would do. Nothing, or the default, is for an option that was not given.

#include "cli/base/units.hpp"
#include "cli/options/arguments.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace hoist::cli {

[[noreturn]] void refuse(const typed_value& value, std::string_view remedy);

struct duration_range {
  std::chrono::milliseconds least;
  std::chrono::milliseconds most;
  std::string_view remedy;
  bare_number bare = bare_number::refused;
};

struct count_range {
  std::uint64_t least;
  std::uint64_t most;
};

std::optional<std::chrono::milliseconds> duration_of(const arguments& typed, std::string_view name,
                                                     const duration_range& range);
std::optional<std::uint64_t> size_of(const arguments& typed, std::string_view name);
std::optional<std::uint64_t> count_of(const arguments& typed, std::string_view name, count_range range);
/// "N|auto"; 0 is auto.
int limit_of(const arguments& typed, std::string_view name, std::uint64_t most);
/// Refuses an empty value; empty when it was not given.
std::string text_of(const arguments& typed, std::string_view name);

template <class Value, std::size_t N>
Value choice_of(const arguments& typed, std::string_view name,
                const std::array<std::pair<std::string_view, Value>, N>& words, Value otherwise) {
  const auto* value = typed.last(name);
  if (value == nullptr) return otherwise;
  for (const auto& [word, meaning] : words) {
    if (value->text == word) return meaning;
  }
  refuse(*value, "use one of " + std::string(value->metavar));
}

} // namespace hoist::cli
