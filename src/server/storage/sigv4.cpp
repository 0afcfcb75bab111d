#include "server/storage/sigv4.hpp"

#include <algorithm>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

sha256_value step(std::span<const std::uint8_t> key, std::string_view text) {
  return hmac_sha256(key, text);
}

} // namespace

std::string credential_scope(std::string_view day, std::string_view region) {
  std::string scope;
  scope.reserve(64);
  return scope.append(day).append("/").append(region).append("/s3/aws4_request");
}

sha256_value derive_signing_key(const sigv4_account& account, std::string_view day) {
  const auto start = "AWS4" + account.secret;
  const std::span seed(reinterpret_cast<const std::uint8_t*>(start.data()), start.size());
  return step(step(step(step(seed, day), account.region), "s3"), "aws4_request");
}

const sha256_value& signing_keys::of_day(std::string_view day) {
  for (const auto& kept : slots_) {
    if (kept.day == day) return kept.key;
  }
  auto& replaced = slots_[oldest_];
  oldest_ = 1 - oldest_;
  replaced.key = derive_signing_key(*account_, day);
  replaced.day = day;
  return replaced.key;
}

std::optional<query_parameters> parse_query(std::string_view raw) {
  query_parameters parameters;
  while (!raw.empty()) {
    const auto end = std::min(raw.find('&'), raw.size());
    const auto pair = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = uri_decoded(pair.substr(0, equals), plus_sign::space);
    auto value = uri_decoded(pair.substr(std::min(equals + 1, pair.size())), plus_sign::space);
    if (!name || !value) return std::nullopt;
    parameters.emplace_back(std::move(*name), std::move(*value));
  }
  return parameters;
}

std::string canonical_query(const query_parameters& parameters) {
  std::vector<std::pair<std::string, std::string>> encoded;
  encoded.reserve(parameters.size());
  for (const auto& [name, value] : parameters) {
    if (name != "X-Amz-Signature") encoded.emplace_back(uri_encoded(name), uri_encoded(value));
  }
  std::ranges::sort(encoded);
  std::string out;
  out.reserve(400);
  for (const auto& [name, value] : encoded) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

std::string joined_names(const signed_headers& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (!out.empty()) out += ';';
    out += name;
  }
  return out;
}

std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : trimmed(value)) {
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  }
  return out;
}

std::string canonical_request(const canonical_parts& parts) {
  std::string out;
  out.reserve(1024);
  out.append(parts.method).append("\n");
  append_uri_encoded(out, parts.path, slashes::kept);
  out.append("\n").append(parts.query).append("\n");
  for (const auto& [name, value] : parts.headers) out.append(name).append(":").append(value).append("\n");
  out.append("\n").append(joined_names(parts.headers)).append("\nUNSIGNED-PAYLOAD");
  return out;
}

std::string string_to_sign(std::string_view amz_date, std::string_view scope, std::string_view canonical) {
  std::string out;
  out.reserve(192);
  out.append(algorithm).append("\n").append(amz_date).append("\n").append(scope).append("\n");
  append_hex(out, sha256(canonical));
  return out;
}

std::string signature_of(const sha256_value& key, std::string_view text_to_sign) {
  return to_hex(hmac_sha256(key, text_to_sign));
}

std::string presigned_url(const presign_order& order, signing_keys& keys) {
  const auto date = to_amz_date(order.issued_at);
  const auto day = std::string_view(date).substr(0, 8);
  const auto scope = credential_scope(day, keys.account().region);
  query_parameters parameters{{"X-Amz-Algorithm", std::string(algorithm)},
                              {"X-Amz-Credential", keys.account().access_key_id + "/" + scope},
                              {"X-Amz-Date", date},
                              {"X-Amz-Expires", std::to_string(order.lifetime.count())},
                              {"X-Amz-SignedHeaders", joined_names(order.headers)}};
  parameters.insert(parameters.end(), order.further.begin(), order.further.end());
  const auto query = canonical_query(parameters);
  const auto canonical = canonical_request({order.method, order.path, query, order.headers});
  std::string url;
  url.reserve(700);
  url.append(order.origin);
  append_uri_encoded(url, order.path, slashes::kept);
  url.append("?").append(query).append("&X-Amz-Signature=");
  append_hex(url, hmac_sha256(keys.of_day(day), string_to_sign(date, scope, canonical)));
  return url;
}

} // namespace hoist::server
