#pragma once

#include <string>

namespace hoist {

/// "0.1.0"
std::string version();

/// What this library was built with and is linked to, e.g. "OpenSSL 3.0.19, Boost 1.81, simdjson 3.0".
std::string build_description();

} // namespace hoist
