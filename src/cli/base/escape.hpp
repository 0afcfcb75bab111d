#pragma once

// Names and servers' words, made safe for a terminal and a log: one line, no control, nothing that reorders text.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hoist::cli {

struct code_point {
  char32_t value;     ///< meaningful when `valid`
  std::size_t length; ///< bytes; 1 when invalid
  bool valid;
};

/// The first code point of `text`, which is not empty. Overlong forms, surrogates and values over U+10FFFF are invalid.
code_point first_code_point(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// C0, DEL, C1, bidirectional controls, and line and paragraph separators.
bool is_hazardous(char32_t c) noexcept;

/// Hazards become \n, \t, \xHH (bytes that are no UTF-8) or \u{HHHH}; a backslash becomes two.
std::string escaped(std::string_view text);

/// As a word for sh: bare when it can be, else in quotes; $'...' when it holds what cannot be shown.
std::string shell_quoted(std::string_view word);

} // namespace hoist::cli
