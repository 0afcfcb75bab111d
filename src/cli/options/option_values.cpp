#include "cli/options/option_values.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <spdlog/fmt/fmt.h>

namespace hoist::cli {

void refuse(const typed_value& value, std::string_view remedy) {
  throw usage_error(fmt::format("{}: '{}' cannot be used; {}", value.origin, escaped(value.text), remedy));
}

std::optional<std::chrono::milliseconds> duration_of(const arguments& typed, std::string_view name,
                                                     const duration_range& range) {
  const auto* value = typed.last(name);
  if (value == nullptr) return std::nullopt;
  const auto duration = parse_duration(value->text, range.bare);
  if (!duration || *duration < range.least || *duration > range.most) refuse(*value, range.remedy);
  return duration;
}

std::optional<std::uint64_t> size_of(const arguments& typed, std::string_view name) {
  const auto* value = typed.last(name);
  if (value == nullptr) return std::nullopt;
  const auto size = parse_size(value->text);
  if (!size) refuse(*value, "write a size such as 4096, 64KiB or 100MB");
  return size;
}

std::optional<std::uint64_t> count_of(const arguments& typed, std::string_view name, count_range range) {
  const auto* value = typed.last(name);
  if (value == nullptr) return std::nullopt;
  const auto count = parse_count(value->text, range.least, range.most);
  if (!count) refuse(*value, fmt::format("use a number from {} to {}", range.least, range.most));
  return count;
}

int limit_of(const arguments& typed, std::string_view name, std::uint64_t most) {
  const auto* value = typed.last(name);
  if (value == nullptr || value->text == "auto") return 0;
  const auto count = parse_count(value->text, 1, most);
  if (!count) refuse(*value, fmt::format("use 'auto' or a number from 1 to {}", most));
  return static_cast<int>(*count);
}

std::string text_of(const arguments& typed, std::string_view name) {
  const auto* value = typed.last(name);
  if (value == nullptr) return {};
  if (value->text.empty()) throw usage_error(value->origin + " needs a value that is not empty");
  return value->text;
}

} // namespace hoist::cli
