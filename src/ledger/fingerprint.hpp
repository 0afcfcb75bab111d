#pragma once

#include <string>
#include <string_view>

namespace hoist::ledger {

/// What a ledger may keep of a key: 32 hex digits that the key cannot be read from. The origin is the salt, and
/// guessing costs thousands of hashes a try, so that a ledger that leaks does not give a weak key away either.
std::string key_fingerprint(std::string_view api_key, std::string_view api_origin);

} // namespace hoist::ledger
