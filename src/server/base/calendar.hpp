// The four spellings of an instant that the API and the storage use. Pure, in whole seconds, always UTC.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::server {

using unix_time = std::chrono::sys_seconds;

[[nodiscard]] std::string to_iso8601(unix_time at);  // 2013-05-24T00:00:00Z
[[nodiscard]] std::string to_amz_date(unix_time at); // 20130524T000000Z; its first eight characters are the scope's day
[[nodiscard]] std::string to_http_date(unix_time at); // Fri, 24 May 2013 00:00:00 GMT
[[nodiscard]] std::optional<unix_time> from_amz_date(std::string_view text);

} // namespace hoist::server
