// S3's error answers: status, code, message, and the elements that some codes add. Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http_message.hpp"

namespace hoist::server {

struct s3_error {
  unsigned status = 403;
  std::string code;
  std::string message;
  std::vector<std::pair<std::string, std::string>> details; // elements after Message, in this order
};

// What S3 puts into every answer so that a support case can name it.
struct request_ids {
  std::string request_id;
  std::string host_id;
};

[[nodiscard]] std::string to_xml(const s3_error& error, const request_ids& ids);
[[nodiscard]] reply to_reply(const s3_error& error, const request_ids& ids);

[[nodiscard]] s3_error access_denied(std::string message = "Access Denied");
[[nodiscard]] s3_error bad_query_authorization(std::string message);
[[nodiscard]] s3_error entity_too_large(std::uint64_t proposed, std::uint64_t allowed);
[[nodiscard]] s3_error incomplete_body(std::uint64_t expected, std::uint64_t received);
[[nodiscard]] s3_error invalid_digest(std::string_view content_md5);
[[nodiscard]] s3_error bad_digest(std::string expected_base64, std::string calculated_base64);
[[nodiscard]] s3_error internal_error();
[[nodiscard]] s3_error invalid_range(std::string_view requested, std::uint64_t size);
[[nodiscard]] s3_error method_not_allowed(std::string_view method);
[[nodiscard]] s3_error missing_content_length();
[[nodiscard]] s3_error no_such_bucket(std::string_view bucket);
[[nodiscard]] s3_error no_such_key(std::string_view key);
[[nodiscard]] s3_error not_implemented(std::string_view header);
[[nodiscard]] s3_error request_timeout();
[[nodiscard]] s3_error slow_down();

} // namespace hoist::server
