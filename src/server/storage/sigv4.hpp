// AWS Signature Version 4 for presigned URLs (query-string authentication, UNSIGNED-PAYLOAD). Pure: the clock and the
// keys are arguments. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/base/calendar.hpp"
#include "server/base/digest.hpp"

namespace hoist::server {

struct sigv4_account {
  std::string access_key_id;
  std::string secret;
  std::string region = "us-east-1";
};

// day/region/s3/aws4_request
[[nodiscard]] std::string credential_scope(std::string_view day, std::string_view region);
[[nodiscard]] sha256_value derive_signing_key(const sigv4_account& account, std::string_view day);

// Deriving takes four HMACs, so the keys of the last two days are kept (a URL may be used after midnight).
// One per thread: it has no lock.
class signing_keys {
 public:
  explicit signing_keys(const sigv4_account& account) : account_(&account) {}
  [[nodiscard]] const sha256_value& of_day(std::string_view day);
  [[nodiscard]] const sigv4_account& account() const noexcept { return *account_; }

 private:
  struct slot {
    std::string day;
    sha256_value key{};
  };
  const sigv4_account* account_;
  std::array<slot, 2> slots_;
  std::size_t oldest_ = 0;
};

// Name and value, decoded.
using query_parameters = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::optional<query_parameters> parse_query(std::string_view raw);
// Encoded strictly and sorted; X-Amz-Signature is left out.
[[nodiscard]] std::string canonical_query(const query_parameters& parameters);

// Lower-case name and value, sorted by name.
using signed_headers = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] std::string joined_names(const signed_headers& headers);
// Trimmed at both ends, runs of spaces inside made one.
[[nodiscard]] std::string canonical_value(std::string_view value);

struct canonical_parts {
  std::string_view method;
  std::string_view path;  // decoded
  std::string_view query; // canonical
  const signed_headers& headers;
};
[[nodiscard]] std::string canonical_request(const canonical_parts& parts);
[[nodiscard]] std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical);
[[nodiscard]] std::string signature_of(const sha256_value& key, std::string_view text_to_sign);

struct presign_order {
  std::string_view method;
  std::string_view origin; // scheme://authority
  std::string_view path;   // not encoded
  const signed_headers& headers;
  unix_time issued_at;
  std::chrono::seconds lifetime;
  query_parameters further; // signed along with the rest
};
[[nodiscard]] std::string presigned_url(const presign_order& order, signing_keys& keys);

} // namespace hoist::server
