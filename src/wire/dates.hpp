#pragma once

// The date formats of HTTP and S3. All return nothing for what they cannot read, and never throw.

#include "core/time.hpp"

#include <optional>
#include <string_view>

namespace hoist::wire {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110's preferred form; the two obsolete ones are not read).
std::optional<core::wall_time> parse_http_date(std::string_view text) noexcept;

/// "2026-11-22T10:15:30Z", with a fraction, an offset, or no zone at all (then UTC).
std::optional<core::wall_time> parse_iso8601(std::string_view text) noexcept;

/// "20261122T101530Z", as in X-Amz-Date.
std::optional<core::wall_time> parse_amz_date(std::string_view text) noexcept;

/// Seconds, or an HTTP date compared with the answer's own `date`. Never negative.
std::optional<core::millis> parse_retry_after(std::string_view text, core::wall_time date) noexcept;

} // namespace hoist::wire
