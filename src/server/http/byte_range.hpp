// The one form of Range that storage serves: a single byte range (RFC 9110 §14.1.2). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace hoist::server {

struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

// `whole`: no range, or one in a form that may be ignored (several ranges, another unit, not well formed).
enum class range_answer { whole, part, not_satisfiable };
struct range_choice {
  range_answer answer = range_answer::whole;
  byte_range range;
  friend bool operator==(const range_choice&, const range_choice&) = default;
};
[[nodiscard]] range_choice choose_range(std::string_view header, std::uint64_t size);

} // namespace hoist::server
