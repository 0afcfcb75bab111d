#pragma once

// The date formats of HTTP and S3, and those in which serialisers write an `expires_at`. All return nothing for what
// they cannot read, and never throw.

#include "core/base/time.hpp"

#include <optional>
#include <string_view>

namespace hoist::wire {

/// "Sun, 06 Nov 1994 08:49:37 GMT", and what else servers send for it: RFC 9110's two obsolete forms, an offset or no
/// zone instead of GMT, names in any case of letters. A year of two digits is one from 1970 to 2069.
std::optional<core::wall_time> parse_http_date(std::string_view text) noexcept;

/// "2026-11-22T10:15:30Z", with or without seconds and their fraction, with an offset, or no zone at all (then UTC);
/// also as Go ("2026-11-22 10:15:30 +0000 UTC") and Java ("2026-11-22T11:15:30+01:00[Europe/Berlin]") print their
/// times.
std::optional<core::wall_time> parse_iso8601(std::string_view text) noexcept;

/// "20261122T101530Z", as in X-Amz-Date.
std::optional<core::wall_time> parse_amz_date(std::string_view text) noexcept;

/// Seconds or milliseconds since 1970, told apart by their size, which is why only the years 2000 to 2199 are read.
std::optional<core::wall_time> parse_epoch(double number) noexcept;

/// An `expires_at` in any of the above spellings, blanks around it ignored.
std::optional<core::wall_time> parse_expires_at(std::string_view text) noexcept;

/// Seconds, or an HTTP date compared with the answer's own `date`. A fraction of a second is a whole one, never
/// negative, and what is too much for the type is the most that we count.
std::optional<core::millis> parse_retry_after(std::string_view text, core::wall_time date) noexcept;

} // namespace hoist::wire
