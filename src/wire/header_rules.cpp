#include "wire/header_rules.hpp"

#include <algorithm>
#include <array>

namespace hoist::wire {

namespace {

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr std::array<std::string_view, 8> framing_names{"transfer-encoding", "connection", "expect",     "te",
                                                        "upgrade",           "trailer",    "keep-alive", "x-api-key"};

bool is_framing_name(std::string_view name) noexcept {
  if (name.size() >= 6 && equal_ignoring_case(name.substr(0, 6), "proxy-")) return true;
  return std::ranges::any_of(framing_names, [&](auto framing) { return equal_ignoring_case(name, framing); });
}

} // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view without_blanks(std::string_view text) noexcept {
  constexpr std::string_view blanks = " \t";
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  const auto token_char = [&](char c) {
    return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || others.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::ranges::all_of(text, token_char);
}

bool is_field_value(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  if (!text.empty() && (blank(text.front()) || blank(text.back()))) return false;
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

std::string_view refuse_headers(std::span<const header> headers, std::string_view api_key) noexcept {
  if (headers.size() > required_headers_max) return "has more than 32 headers";
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const auto& [name, value] = headers[i];
    bytes += name.size() + value.size();
    if (bytes > required_header_bytes_max) return "has more than 8 KiB of headers";
    if (!is_token(name)) return "has a header name that is no token";
    if (!is_field_value(value)) return "has a header value with a control character or surrounding space";
    if (is_framing_name(name)) return "has a framing or hop-by-hop header";
    if (!api_key.empty() && (value.find(api_key) != std::string::npos || name.find(api_key) != std::string::npos))
      return "would send the API key to the storage";
    for (std::size_t j = 0; j < i; ++j)
      if (equal_ignoring_case(headers[j].name, name)) return "names a header twice";
  }
  return {};
}

std::string_view unquoted(std::string_view etag) noexcept {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) return etag.substr(1, etag.size() - 2);
  return etag;
}

bool etag_is_md5(std::string_view unquoted_etag, std::string_view encryption) noexcept {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'f'); };
  if (unquoted_etag.size() != 32 || !std::ranges::all_of(unquoted_etag, hex)) return false;
  return !encryption.starts_with("aws:kms");
}

} // namespace hoist::wire
