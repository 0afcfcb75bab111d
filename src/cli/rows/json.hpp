#pragma once

// Writes one JSON object on one line. Strings are made valid UTF-8 (what is not becomes U+FFFD), and every control or
// reordering character is escaped: a row that ends up on a terminal is harmless.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::cli {

std::string json_string(std::string_view text);
std::string base64(std::string_view bytes);

class json_line {
 public:
  json_line() { text_.reserve(384); }

  json_line& text(std::string_view key, std::string_view value);
  /// null when empty
  json_line& text_or_null(std::string_view key, std::string_view value);
  json_line& number(std::string_view key, std::uint64_t value);
  /// null when nothing
  json_line& number(std::string_view key, std::optional<std::uint64_t> value);
  json_line& seconds(std::string_view key, double value);
  json_line& truth(std::string_view key, bool value);
  json_line& open(std::string_view key);
  json_line& close();

  /// The line with its newline; the object is used up.
  std::string finish() &&;

 private:
  void key(std::string_view name);

  std::string text_ = "{";
  bool first_ = true;
};

} // namespace hoist::cli
