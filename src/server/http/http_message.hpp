// One request head, parsed in place, and the text of one answer. Pure: bytes in, bytes out.
// The views in a request_head point into the buffer that it was parsed from.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream> // Boost's string_view prints itself and does not ask for it
#include <span>
#include <string>
#include <string_view>

#include <boost/beast/http/verb.hpp>

namespace hoist::server {

// A presigned URL may be 8 KiB long and its headers another 8: no honest head is larger.
inline constexpr std::size_t head_bytes_max = 16 * 1024;
inline constexpr std::size_t head_fields_max = 100;

struct header_field {
  std::string_view name;
  std::string_view value;
};

struct request_head {
  boost::beast::http::verb method = boost::beast::http::verb::unknown;
  std::string_view method_text;
  std::string_view target;
  std::string_view path;
  std::string_view query; // without the '?'
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool expects_continue = false;
  std::size_t bytes = 0; // up to and with the empty line

  [[nodiscard]] std::span<const header_field> fields() const noexcept { return {fields_.data(), field_count_}; }
  // The first field of that name, in any case; empty when there is none.
  [[nodiscard]] std::string_view find(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept;
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return content_length.value_or(0); }

 private:
  friend class head_parser;
  std::array<header_field, head_fields_max> fields_;
  std::size_t field_count_ = 0;
};

enum class head_state { incomplete, complete, malformed, too_large };
[[nodiscard]] head_state parse_head(std::string_view input, request_head& head);

struct reply {
  unsigned status = 200;
  std::string_view content_type;
  std::string fields; // further ones, each "Name: value\r\n"
  std::string body;
  std::string code; // what a refusal is counted under; never sent

  void start(unsigned new_status, std::string_view type);
  void add(std::string_view name, std::string_view value);
};

struct reply_frame {
  std::string_view date; // empty: no such field
  bool close = false;
  // Of a body that is sent separately, or not at all because the request was HEAD.
  std::optional<std::uint64_t> length_of_other_body;
};
void append_reply(std::string& out, const reply& answer, const reply_frame& frame);
[[nodiscard]] reply json_refusal(unsigned status, std::string_view message);

} // namespace hoist::server
