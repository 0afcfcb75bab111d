#include "wire/delete_request.hpp"

#include <hoist/version.hpp>

#include <algorithm>

namespace hoist::wire {

namespace {

constexpr std::size_t id_bytes_max = 256; // as of a presign's reply

bool is_unreserved(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

bool is_visible(char c) noexcept {
  return c > 0x20 && c < 0x7f;
}

} // namespace

std::string_view refuse_id(std::string_view id) noexcept {
  if (id.empty()) return "is empty";
  if (id.size() > id_bytes_max) return "is longer than 256 bytes";
  if (!std::ranges::all_of(id, is_visible)) return "has a space, a control or a character outside ASCII";
  if (id == "." || id == "..") return "is a step in a path";
  return {};
}

delete_writer::delete_writer(const origin& api, std::string_view api_key) {
  rest_ = " HTTP/1.1\r\nHost: " + api.authority() + "\r\nUser-Agent: hoist/" + version() + "\r\nX-API-Key: ";
  rest_.append(api_key).append("\r\nAccept: application/json\r\n\r\n");
}

void delete_writer::append(std::string& out, std::string_view id) const {
  constexpr char digits[] = "0123456789ABCDEF";
  out += "DELETE /v1/files/";
  for (const char c : id) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', digits[byte >> 4U], digits[byte & 15U]});
    }
  }
  out += rest_;
}

} // namespace hoist::wire
