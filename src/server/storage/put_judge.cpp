#include "server/storage/put_judge.hpp"

#include <algorithm>
#include <charconv>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

constexpr std::int64_t url_lifetime_max = 604'800; // S3: less than a week

const std::string* find(const query_parameters& query, std::string_view name) {
  const auto found = std::ranges::find(query, name, [](const auto& pair) -> std::string_view { return pair.first; });
  return found == query.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The six parameters of query authentication, present and well formed.
struct query_authentication {
  std::string_view credential, date_text, signed_names, signature;
  unix_time date;
  std::chrono::seconds lifetime{};
  std::string_view access_key_id, scope;
};

using parsed_authentication = std::variant<query_authentication, s3_error>;

std::optional<s3_error> read_lifetime(std::string_view text, query_authentication& into) {
  const auto lifetime = whole_number(text);
  if (!lifetime) return bad_query_authorization("X-Amz-Expires should be a number");
  if (*lifetime < 0) return bad_query_authorization("X-Amz-Expires must be non-negative");
  if (*lifetime > url_lifetime_max) {
    return bad_query_authorization("X-Amz-Expires must be less than a week (in seconds) that is, "
                                   "the given X-Amz-Expires must be less than 604800 seconds");
  }
  into.lifetime = std::chrono::seconds{*lifetime};
  return std::nullopt;
}

std::optional<s3_error> read_credential(const sigv4_account& account, query_authentication& into) {
  const auto slash = into.credential.find('/');
  if (slash == std::string_view::npos) {
    return bad_query_authorization("Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; "
                                   "expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
  }
  into.access_key_id = into.credential.substr(0, slash);
  into.scope = into.credential.substr(slash + 1);
  if (into.access_key_id != account.access_key_id) {
    return s3_error{403,
                    "InvalidAccessKeyId",
                    "The AWS Access Key Id you provided does not exist in our records.",
                    {{"AWSAccessKeyId", std::string(into.access_key_id)}}};
  }
  if (into.scope != credential_scope(into.date_text.substr(0, 8), account.region)) {
    return bad_query_authorization("Error parsing the X-Amz-Credential parameter; expecting the scope \"" +
                                   credential_scope(into.date_text.substr(0, 8), account.region) + "\".");
  }
  return std::nullopt;
}

parsed_authentication read_authentication(const query_parameters& query, const sigv4_account& account) {
  const auto* algorithm = find(query, "X-Amz-Algorithm");
  const auto* credential = find(query, "X-Amz-Credential");
  const auto* date = find(query, "X-Amz-Date");
  const auto* lifetime = find(query, "X-Amz-Expires");
  const auto* names = find(query, "X-Amz-SignedHeaders");
  const auto* signature = find(query, "X-Amz-Signature");
  if (algorithm == nullptr && signature == nullptr) return access_denied();
  if (!algorithm || !credential || !date || !lifetime || !names || !signature) {
    return bad_query_authorization(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  if (*algorithm != "AWS4-HMAC-SHA256") {
    return bad_query_authorization("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  }
  query_authentication result{*credential, *date, *names, *signature, {}, {}, {}, {}};
  const auto at = from_amz_date(*date);
  if (!at) return bad_query_authorization("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  result.date = *at;
  if (auto error = read_lifetime(*lifetime, result)) return *std::move(error);
  if (auto error = read_credential(account, result)) return *std::move(error);
  return result;
}

std::optional<s3_error> judge_time(const query_authentication& auth, unix_time now) {
  if (auth.date > now + clock_skew_max) return access_denied("Request is not valid yet");
  const auto expires = auth.date + auth.lifetime;
  if (now <= expires) return std::nullopt;
  auto error = access_denied("Request has expired");
  error.details = {{"X-Amz-Expires", std::to_string(auth.lifetime.count())},
                   {"Expires", to_iso8601(expires)},
                   {"ServerTime", to_iso8601(now)}};
  return error;
}

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> out;
  while (!names.empty()) {
    const auto end = std::min(names.find(';'), names.size());
    out.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return out;
}

std::optional<s3_error> judge_unsigned_headers(const request_head& head, const std::vector<std::string>& names) {
  std::string not_signed;
  for (const auto& field : head.fields()) {
    constexpr std::string_view prefix = "x-amz-";
    if (!equal_ignoring_case(field.name.substr(0, prefix.size()), prefix)) continue;
    const auto is_this = [&](const std::string& name) { return equal_ignoring_case(name, field.name); };
    if (std::ranges::any_of(names, is_this)) continue;
    if (!not_signed.empty()) not_signed += ", ";
    not_signed += field.name;
  }
  if (not_signed.empty()) return std::nullopt;
  auto error = access_denied("There were headers present in the request which were not signed");
  error.details = {{"HeadersNotSigned", std::move(not_signed)}};
  return error;
}

// A header that was signed and is not here counts as empty, so the signature fails: S3 answers the same way.
signed_headers received_headers(const request_head& head, const std::vector<std::string>& names) {
  signed_headers headers;
  headers.reserve(names.size());
  for (const auto& name : names) {
    std::string joined;
    for (const auto& field : head.fields()) {
      if (!equal_ignoring_case(field.name, name)) continue;
      if (!joined.empty()) joined += ',';
      joined += canonical_value(field.value);
    }
    headers.emplace_back(name, std::move(joined));
  }
  return headers;
}

std::string spaced_hex(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const std::uint8_t byte = static_cast<std::uint8_t>(c);
    if (!out.empty()) out += ' ';
    append_hex(out, {&byte, 1});
  }
  return out;
}

s3_error does_not_match(const query_authentication& auth, std::string text_to_sign, std::string canonical) {
  auto sign_bytes = spaced_hex(text_to_sign);
  auto canonical_bytes = spaced_hex(canonical);
  return {403,
          "SignatureDoesNotMatch",
          "The request signature we calculated does not match the signature you provided. "
          "Check your key and signing method.",
          {{"AWSAccessKeyId", std::string(auth.access_key_id)},
           {"StringToSign", std::move(text_to_sign)},
           {"SignatureProvided", std::string(auth.signature)},
           {"StringToSignBytes", std::move(sign_bytes)},
           {"CanonicalRequest", std::move(canonical)},
           {"CanonicalRequestBytes", std::move(canonical_bytes)}}};
}

struct object_key {
  std::string bucket;
  std::string key;
};

std::optional<object_key> split_path(std::string_view path) {
  auto decoded = uri_decoded(path, plus_sign::literal);
  if (!decoded || !decoded->starts_with('/')) return std::nullopt;
  const auto slash = std::min(decoded->find('/', 1), decoded->size());
  return object_key{decoded->substr(1, slash - 1), decoded->substr(std::min(slash + 1, decoded->size()))};
}

std::optional<s3_error> read_digest(const request_head& head, admitted_put& put) {
  if (!head.has("content-md5")) return std::nullopt;
  const auto text = head.find("content-md5");
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != 16) return invalid_digest(text);
  put.content_md5.emplace();
  std::ranges::copy(*bytes, put.content_md5->begin());
  return std::nullopt;
}

std::optional<s3_error> read_size(const request_head& head, const put_policy& policy, admitted_put& put) {
  if (head.chunked || head.has("transfer-encoding")) return not_implemented("Transfer-Encoding");
  if (!head.content_length) return missing_content_length();
  put.size = *head.content_length;
  if (put.size > policy.size_max) return entity_too_large(put.size, policy.size_max);
  return std::nullopt;
}

} // namespace

std::optional<s3_error> judge_signature(const request_head& head, const query_parameters& query, signing_keys& keys,
                                        unix_time now) {
  const auto parsed = read_authentication(query, keys.account());
  if (const auto* error = std::get_if<s3_error>(&parsed)) return *error;
  const auto& auth = std::get<query_authentication>(parsed);
  if (auto error = judge_time(auth, now)) return error;
  const auto names = split_names(auth.signed_names);
  if (std::ranges::find(names, "host") == names.end()) return access_denied("The host header must be signed");
  // In order and each once, as they are signed: else a short list could name a long field any number of times.
  if (!std::ranges::is_sorted(names, std::less_equal{}))
    return bad_query_authorization("X-Amz-SignedHeaders must be in order");
  if (auto error = judge_unsigned_headers(head, names)) return error;
  const auto path = uri_decoded(head.path, plus_sign::literal);
  if (!path) return s3_error{400, "InvalidURI", "Couldn't parse the specified URI.", {}};
  const auto headers = received_headers(head, names);
  auto canonical = canonical_request({head.method_text, *path, canonical_query(query), headers});
  auto text = string_to_sign(auth.date_text, auth.scope, canonical);
  if (equal_in_constant_time(signature_of(keys.of_day(auth.date_text.substr(0, 8)), text), auth.signature)) {
    return std::nullopt;
  }
  return does_not_match(auth, std::move(text), std::move(canonical));
}

put_verdict judge_put(const request_head& head, signing_keys& keys, const put_policy& policy, unix_time now) {
  const auto query = parse_query(head.query);
  const auto place = split_path(head.path);
  if (!query || !place) return s3_error{400, "InvalidURI", "Couldn't parse the specified URI.", {}};
  if (place->bucket != bucket_name) return no_such_bucket(place->bucket);
  if (auto error = judge_signature(head, *query, keys, now)) return *std::move(error);
  const auto id = file_id::parse(place->key);
  if (!id) return access_denied();
  admitted_put put;
  put.id = *id;
  put.content_type = head.find("content-type");
  put.retention = policy.retention_default;
  if (const auto* text = find(*query, retention_parameter)) {
    put.retention = std::chrono::seconds{whole_number(*text).value_or(policy.retention_default.count())};
  }
  if (auto error = read_size(head, policy, put)) return *std::move(error);
  if (auto error = read_digest(head, put)) return *std::move(error);
  return put;
}

} // namespace hoist::server
