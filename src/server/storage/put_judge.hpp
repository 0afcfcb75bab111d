// Decides from the head alone whether storage takes a PUT, as S3 does. Pure: the clock is an argument.
// The order of the checks is part of the behaviour: a client sees the first reason only.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "server/base/calendar.hpp"
#include "server/base/digest.hpp"
#include "server/http/http_message.hpp"
#include "server/http/s3_error.hpp"
#include "server/storage/file_id.hpp"
#include "server/storage/sigv4.hpp"

namespace hoist::server {

inline constexpr std::string_view bucket_name = "hoist-uploads";
// The signed query parameter in which a ticket carries how long its file is kept. Because it is in the URL, the server
// needs no memory of tickets, and they survive a restart.
inline constexpr std::string_view retention_parameter = "retain-seconds";
inline constexpr std::chrono::minutes clock_skew_max{15};

struct put_policy {
  std::uint64_t size_max = 0;
  std::chrono::seconds retention_default{};
};

struct admitted_put {
  file_id id;
  std::string content_type;
  std::uint64_t size = 0;
  std::optional<md5_value> content_md5;
  std::chrono::seconds retention{};
};

using put_verdict = std::variant<admitted_put, s3_error>;
[[nodiscard]] put_verdict judge_put(const request_head& head, signing_keys& keys, const put_policy& policy,
                                    unix_time now);

// The authentication alone, for any method: nothing when the signature holds.
[[nodiscard]] std::optional<s3_error> judge_signature(const request_head& head, const query_parameters& query,
                                                      signing_keys& keys, unix_time now);

} // namespace hoist::server
