#pragma once

// The strict reading of a URL that we may connect to (contract §2). What is refused is refused with a reason in our own
// words; the URL itself, which may be signed, is never part of it.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::wire {

enum class scheme : std::uint8_t { http, https };

/// Where to connect. Two URLs of one origin share connections.
struct origin {
  scheme how = scheme::https;
  std::string host; ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 443;

  /// As in a Host header: without the port where it is the scheme's own.
  std::string authority() const;
  /// "https://host[:port]", safe to show.
  std::string text() const;
  friend bool operator==(const origin&, const origin&) = default;
};

struct url {
  origin where;
  std::string target; ///< path and query, byte for byte as received; at least "/"
};

constexpr std::size_t url_bytes_max = 8 * 1024;

/// Reads `text` into `out`, whose strings keep their capacity. Returns the reason of a refusal, empty when it is fine.
/// Refused: schemes other than http and https, user information, a fragment, characters outside RFC 3986, an empty or
/// percent-encoded host, port 0, more than 8 KiB.
std::string_view parse_url(std::string_view text, url& out);

/// Reads as parse_url does, and remembers the last origin: of the next URL that begins with the same letters only path
/// and query remain to be looked at, which for a signed URL is a third of the work. One per thread.
class url_reader {
 public:
  std::string_view parse(std::string_view text, url& out);

 private:
  std::string prefix_; ///< as it was spelled, up to the path; empty before the first
  origin where_;
};

/// The value of a query parameter, as it stands (not decoded); nothing when it is absent.
std::optional<std::string_view> query_value(std::string_view target, std::string_view name) noexcept;

/// Why a text may not be published as a public URL; empty when it may.
std::string_view refuse_public_url(std::string_view text) noexcept;

} // namespace hoist::wire
