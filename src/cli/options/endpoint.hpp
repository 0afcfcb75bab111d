#pragma once

// As much of the endpoint as the command line must judge before the library does: is the key safe there, and is a proxy
// in the way.

#include "cli/base/environment.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::cli {

struct endpoint_parts {
  bool secure = true;
  std::string host; ///< lower case; an IPv6 address without brackets
  std::uint16_t port = 443;
  bool loopback = false;
};

/// "https://host[:port]"; nothing for anything else, a path or user included.
std::optional<endpoint_parts> parse_endpoint(std::string_view url);

struct proxy_setting {
  std::string variable; ///< which one names the proxy
  std::string host;     ///< what NO_PROXY would have to exempt
};

/// The proxy that other programs would use for this endpoint.
std::optional<proxy_setting> proxy_in_the_way(const endpoint_parts& endpoint, const environment& variables);

/// NO_PROXY's rule: "*", "host", ".domain" and "domain" (with what is below them), each with an optional ":port".
bool is_exempt(const endpoint_parts& endpoint, std::string_view no_proxy);

} // namespace hoist::cli
