#include "server/http/byte_range.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hoist::server {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

range_choice last_bytes(std::optional<std::uint64_t> count, std::uint64_t size) {
  if (!count) return {range_answer::whole, {0, size}};
  if (*count == 0 || size == 0) return {range_answer::not_satisfiable, {}};
  const auto length = std::min(*count, size);
  return {range_answer::part, {size - length, length}};
}

} // namespace

range_choice choose_range(std::string_view header, std::uint64_t size) {
  const range_choice whole{range_answer::whole, {0, size}};
  if (!header.starts_with("bytes=")) return whole;
  header.remove_prefix(6);
  const auto dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const auto last_text = header.substr(dash + 1);
  if (dash == 0) return last_bytes(number(last_text), size);
  const auto first = number(header.substr(0, dash));
  if (!first) return whole;
  auto last = last_text.empty() ? std::optional{~std::uint64_t{0}} : number(last_text);
  if (!last || *last < *first) return whole;
  if (*first >= size) return {range_answer::not_satisfiable, {}};
  last = std::min(*last, size - 1);
  return {range_answer::part, {*first, *last - *first + 1}};
}

} // namespace hoist::server
