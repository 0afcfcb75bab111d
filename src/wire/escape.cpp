#include "wire/escape.hpp"

#include <cstdint>

namespace hoist::wire {

namespace {

struct decoded {
  std::uint32_t point = 0;
  std::size_t bytes = 0; ///< 0: not valid UTF-8 here
};

decoded decode(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                             : lead >= 0xe0 && lead < 0xf0 ? 3
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                                                           : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t point = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    point = point << 6 | (byte(i) & 0x3fu);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  if (overlong || surrogate || point > 0x10ffff) return {};
  return {point, length};
}

bool shown_as_is(std::uint32_t point) noexcept {
  if (point < 0x20 || (point >= 0x7f && point < 0xa0) || point == '\\') return false;
  const bool bidi = point == 0x061c || point == 0x200e || point == 0x200f || (point >= 0x202a && point <= 0x202e) ||
                    (point >= 0x2066 && point <= 0x2069);
  return !bidi && point != 0x2028 && point != 0x2029;
}

void append_escaped(std::string& out, unsigned char byte) {
  constexpr char digits[] = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4];
  out += digits[byte & 0xf];
}

} // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  std::string out;
  out.reserve(text.size() < bytes_max ? text.size() : bytes_max);
  std::size_t at = 0;
  while (at < text.size() && at < bytes_max) {
    const decoded next = decode(text.substr(at));
    const std::size_t bytes = next.bytes == 0 ? 1 : next.bytes;
    if (at + bytes > bytes_max) break;
    if (next.bytes != 0 && shown_as_is(next.point))
      out += text.substr(at, bytes);
    else if (text[at] == '\\')
      out += "\\\\";
    else
      for (std::size_t i = 0; i < bytes; ++i) append_escaped(out, static_cast<unsigned char>(text[at + i]));
    at += bytes;
  }
  if (at < text.size()) out += "...";
  return out;
}

} // namespace hoist::wire
