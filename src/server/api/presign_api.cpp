#include "server/api/presign_api.hpp"

#include "server/base/encoding.hpp"
#include "server/storage/file_id.hpp"
#include "server/storage/put_judge.hpp"

namespace hoist::server {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(",\"").append(name).append("\":\"");
  append_json_escaped(out, value);
  out += '"';
}

} // namespace

std::optional<reply> refuse_key(const request_head& head, std::string_view api_key) {
  if (equal_in_constant_time(head.find("x-api-key"), api_key)) return std::nullopt;
  return json_refusal(401, "Invalid or missing API key");
}

std::optional<reply> refuse_presign_head(const request_head& head, std::string_view api_key) {
  if (head.method != boost::beast::http::verb::post) {
    auto answer = json_refusal(405, "method not allowed");
    answer.add("Allow", "POST");
    return answer;
  }
  if (auto refused = refuse_key(head, api_key)) return refused;
  if (head.chunked || !head.content_length) return json_refusal(411, "Content-Length is required");
  if (*head.content_length > presign_body_bytes_max) return json_refusal(413, "request body is larger than 64 KiB");
  return std::nullopt;
}

void presign_api::answer(std::string_view body, unix_time now, reply& into) {
  const auto wanted = reader_.read(body);
  if (const auto* refusal = std::get_if<presign_refusal>(&wanted)) {
    into = json_refusal(400, refusal->message);
    return;
  }
  write_ticket(std::get<presign_fields>(wanted), now, into);
}

void presign_api::write_ticket(const presign_fields& wanted, unix_time now, reply& into) {
  content_type_ = wanted.content_type;
  const auto id = file_id::random().text();
  const auto retention = wanted.retention.value_or(options_->retention);
  const signed_headers headers{{"content-type", canonical_value(wanted.content_type)},
                               {"host", origins_->storage.substr(origins_->storage.find("//") + 2)},
                               {"x-amz-meta-file-id", id}};
  const auto path = std::string("/").append(bucket_name).append("/").append(id);
  const auto url = presigned_url({"PUT",
                                  origins_->storage,
                                  path,
                                  headers,
                                  now,
                                  options_->url_lifetime,
                                  {{std::string(retention_parameter), std::to_string(retention.count())}}},
                                 *keys_);
  const auto expires = now + (options_->expires_at == expires_at_means::url ? options_->url_lifetime : retention);
  into.start(200, "application/json");
  auto& out = into.body;
  out.append("{\"id\":\"").append(id).append("\"");
  append_member(out, "presigned_url", url);
  append_member(out, "public_url", origins_->storage + "/files/" + id);
  append_member(out, "expires_at", to_iso8601(expires));
  out.append(R"(,"required_headers":{"x-amz-meta-file-id":")").append(id).append("\"}}");
}

} // namespace hoist::server
