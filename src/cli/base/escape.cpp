#include "cli/base/escape.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace hoist::cli {

namespace {

bool is_continuation(unsigned char c) {
  return (c & 0xC0U) == 0x80U;
}

struct lead {
  std::size_t length;
  char32_t bits;
  char32_t least;
};

lead classify_lead(unsigned char c) {
  if (c < 0x80) return {1, c, 0};
  if (c >= 0xC2 && c <= 0xDF) return {2, c & 0x1FU, 0x80};
  if (c >= 0xE0 && c <= 0xEF) return {3, c & 0x0FU, 0x800};
  if (c >= 0xF0 && c <= 0xF4) return {4, c & 0x07U, 0x10000};
  return {0, 0, 0};
}

bool is_plain_shell_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_-+=./:,@%").find(c) != std::string_view::npos;
}

std::string ansi_c_quoted(std::string_view word) {
  std::string out = "$'";
  for (const char c : word) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\'' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7F) {
      // Three octal digits cannot run into the character that follows.
      out += fmt::format("\\{:03o}", byte);
    } else {
      out += c;
    }
  }
  return out + '\'';
}

bool is_showable(std::string_view text) {
  while (!text.empty()) {
    const auto c = first_code_point(text);
    if (!c.valid || is_hazardous(c.value)) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

} // namespace

code_point first_code_point(std::string_view text) noexcept {
  const auto start = classify_lead(static_cast<unsigned char>(text[0]));
  if (start.length == 0 || start.length > text.size()) return {0, 1, false};
  char32_t value = start.bits;
  for (std::size_t i = 1; i < start.length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if (!is_continuation(next)) return {0, 1, false};
    value = (value << 6U) | (next & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < start.least || surrogate || value > 0x10FFFF) return {0, 1, false};
  return {value, start.length, true};
}

bool is_utf8(std::string_view text) noexcept {
  unsigned char any = 0;
  for (const char c : text) any |= static_cast<unsigned char>(c);
  if (any < 0x80) return true; // all ASCII, as most names are
  while (!text.empty()) {
    const auto c = first_code_point(text);
    if (!c.valid) return false;
    text.remove_prefix(c.length);
  }
  return true;
}

bool is_hazardous(char32_t c) noexcept {
  if (c < 0x20 || (c >= 0x7F && c <= 0x9F)) return true;
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto c = first_code_point(text);
    if (!c.valid) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0]));
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (c.value == '\t') {
      out += "\\t";
    } else if (c.value == '\\') {
      out += "\\\\";
    } else if (is_hazardous(c.value)) {
      out += fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(c.value));
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(c.length);
  }
  return out;
}

std::string shell_quoted(std::string_view word) {
  if (!word.empty() && std::ranges::all_of(word, is_plain_shell_character)) return std::string(word);
  if (!is_showable(word)) return ansi_c_quoted(word);
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

} // namespace hoist::cli
