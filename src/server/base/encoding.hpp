// Small text codecs: hex, base64, percent, XML, JSON. Pure. Each is the strictest form that its reader accepts.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::server {

void append_hex(std::string& out, std::span<const std::uint8_t> bytes);
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);
// Fails on an odd length, on anything but hex digits, and when the text does not fill `bytes` exactly.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> bytes);

[[nodiscard]] std::string to_base64(std::span<const std::uint8_t> bytes);
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

// AWS's UriEncode: everything but A-Z a-z 0-9 - . _ ~ becomes %XX in capitals; a path keeps its slashes.
enum class slashes { encoded, kept };
void append_uri_encoded(std::string& out, std::string_view text, slashes treatment);
[[nodiscard]] std::string uri_encoded(std::string_view text, slashes treatment = slashes::encoded);
// A '%' without two hex digits behind it has no meaning that two readers would agree on: nothing is returned.
enum class plus_sign { literal, space };
[[nodiscard]] std::optional<std::string> uri_decoded(std::string_view text, plus_sign meaning);

void append_xml_escaped(std::string& out, std::string_view text);
void append_json_escaped(std::string& out, std::string_view text);

// Visible text for a log line: control bytes become '?', so that a request cannot write lines of its own.
[[nodiscard]] std::string printable(std::string_view text, std::size_t length_max = 200);

[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;
// Takes the same time wherever the difference is. The lengths are not hidden: here they are no secret.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;
// A token of RFC 9110 §5.6.2: what a header name or a media type's half may consist of.
[[nodiscard]] bool is_token(std::string_view text) noexcept;

} // namespace hoist::server
