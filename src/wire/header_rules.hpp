#pragma once

// Which headers an API reply may make us send (contract §2). Anything that could change the request's framing, reach
// past it, or carry our key to the storage is refused, never repaired.

#include <span>
#include <string>
#include <string_view>

namespace hoist::wire {

struct header {
  std::string name;
  std::string value;
  friend bool operator==(const header&, const header&) = default;
};

constexpr std::size_t required_headers_max = 32;
constexpr std::size_t required_header_bytes_max = 8 * 1024; ///< names and values together

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// `text` without the spaces and tabs around it.
std::string_view without_blanks(std::string_view text) noexcept;

/// RFC 9110's token: what a header name may consist of.
bool is_token(std::string_view text) noexcept;

/// No control character but TAB; no surrounding white space.
bool is_field_value(std::string_view text) noexcept;

/// Why these headers may not be sent; empty when they may. `Host`, `Content-Length` and `Content-Type` pass here and
/// are compared when the head is built, where their values are known.
std::string_view refuse_headers(std::span<const header> headers, std::string_view api_key) noexcept;

/// An ETag without its quotes.
std::string_view unquoted(std::string_view etag) noexcept;

/// Whether an ETag of an object stored with `encryption` (the answer's x-amz-server-side-encryption) is the MD5 of its
/// bytes: 32 hex digits, and not encrypted with a key service, whose ETags only look like one.
bool etag_is_md5(std::string_view unquoted_etag, std::string_view encryption) noexcept;

} // namespace hoist::wire
