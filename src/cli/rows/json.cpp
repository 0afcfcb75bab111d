#include "cli/rows/json.hpp"

#include "cli/base/escape.hpp"

#include <spdlog/fmt/fmt.h>

#include <cstring>
#include <iterator>

namespace hoist::cli {

namespace {

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/// Whether all eight characters are plain; now and then "no" for eight that are.
bool are_plain(const char* eight) {
  constexpr std::uint64_t each = 0x0101010101010101U, tops = each * 0x80U;
  std::uint64_t x = 0;
  std::memcpy(&x, eight, sizeof x);
  // The highest bit of each byte of `zeros(y)` is set where y has a zero byte, and perhaps in the byte above one.
  const auto zeros = [](std::uint64_t y) { return (y - each) & ~y; };
  const std::uint64_t controls = (x - each * 0x20U) & ~x;
  return ((x | controls | zeros(x ^ (each * 0x7FU)) | zeros(x ^ (each * '"')) | zeros(x ^ (each * '\\'))) & tops) == 0;
}

/// How much at the beginning of `text` stands in a string as it is.
std::size_t plain_prefix(std::string_view text) {
  std::size_t n = 0;
  while (text.size() - n >= 8 && are_plain(text.data() + n)) n += 8;
  while (n < text.size() && is_plain(text[n])) ++n;
  return n;
}

void append_escape(std::string& out, char32_t c) {
  switch (c) {
  case '"': out += "\\\""; return;
  case '\\': out += "\\\\"; return;
  case '\n': out += "\\n"; return;
  case '\r': out += "\\r"; return;
  case '\t': out += "\\t"; return;
  default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(c));
  }
}

void append_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const auto plain = plain_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto c = first_code_point(text);
    if (!c.valid) {
      out += "\xEF\xBF\xBD";
    } else if (c.value == '"' || c.value == '\\' || is_hazardous(c.value)) {
      append_escape(out, c.value);
    } else {
      out.append(text.substr(0, c.length));
    }
    text.remove_prefix(c.length);
  }
  out += '"';
}

} // namespace

std::string json_string(std::string_view text) {
  std::string out;
  append_string(out, text);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = (bits << 8U) | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += k <= group.size() ? digits[(bits >> (18U - 6U * k)) & 63U] : '=';
  }
  return out;
}

void json_line::key(std::string_view name) {
  if (!first_) text_ += ',';
  first_ = false;
  text_ += '"';
  text_ += name;
  text_ += "\":";
}

json_line& json_line::text(std::string_view name, std::string_view value) {
  key(name);
  append_string(text_, value);
  return *this;
}

json_line& json_line::text_or_null(std::string_view name, std::string_view value) {
  if (!value.empty()) return text(name, value);
  key(name);
  text_ += "null";
  return *this;
}

json_line& json_line::number(std::string_view name, std::uint64_t value) {
  key(name);
  fmt::format_to(std::back_inserter(text_), "{}", value);
  return *this;
}

json_line& json_line::number(std::string_view name, std::optional<std::uint64_t> value) {
  if (value) return number(name, *value);
  return text_or_null(name, {});
}

json_line& json_line::seconds(std::string_view name, double value) {
  key(name);
  fmt::format_to(std::back_inserter(text_), "{:.3f}", value);
  return *this;
}

json_line& json_line::truth(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
  return *this;
}

json_line& json_line::open(std::string_view name) {
  key(name);
  text_ += '{';
  first_ = true;
  return *this;
}

json_line& json_line::close() {
  text_ += '}';
  first_ = false;
  return *this;
}

std::string json_line::finish() && {
  text_ += "}\n";
  return std::move(text_);
}

} // namespace hoist::cli
