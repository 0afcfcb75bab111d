#pragma once

// The request line and headers of a PUT to a presigned URL.

#include "wire/presign.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace hoist::wire {

/// Appends the head for `size` bytes of `content_type` to `out`. Returns why the ticket's headers contradict the
/// request (contract §2), empty when they do not; `out` is unspecified after a contradiction.
std::string_view append_put_head(std::string& out, const ticket& t, std::string_view content_type, std::uint64_t size);

} // namespace hoist::wire
