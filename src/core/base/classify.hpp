#pragma once

// Which outcome an HTTP answer is. A pure table: the status, and for the storage also S3's error code, since the same
// status means different things (400 RequestTimeout is worth a retry, 400 EntityTooLarge is not).

#include "core/base/outcome.hpp"

#include <optional>
#include <string_view>

namespace hoist::core {

/// Of an answer of the presign API; nothing for any 2xx: whether it is a ticket is for its body to say.
std::optional<outcome_kind> classify_presign(int http_status) noexcept;

/// Of an answer of the storage to a PUT; nothing for any 2xx. `storage_code` may be empty: then by status alone.
std::optional<outcome_kind> classify_put(int http_status, std::string_view storage_code) noexcept;

} // namespace hoist::core
