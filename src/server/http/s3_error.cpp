#include "server/http/s3_error.hpp"

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

void append_element(std::string& out, std::string_view name, std::string_view text) {
  out.append("<").append(name).append(">");
  append_xml_escaped(out, text);
  out.append("</").append(name).append(">");
}

} // namespace

std::string to_xml(const s3_error& error, const request_ids& ids) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>";
  append_element(out, "Code", error.code);
  append_element(out, "Message", error.message);
  for (const auto& [name, text] : error.details) append_element(out, name, text);
  append_element(out, "RequestId", ids.request_id);
  append_element(out, "HostId", ids.host_id);
  return out += "</Error>";
}

reply to_reply(const s3_error& error, const request_ids& ids) {
  reply answer;
  answer.start(error.status, "application/xml");
  answer.add("x-amz-request-id", ids.request_id);
  answer.add("x-amz-id-2", ids.host_id);
  answer.body = to_xml(error, ids);
  answer.code = error.code;
  return answer;
}

s3_error access_denied(std::string message) {
  return {403, "AccessDenied", std::move(message), {}};
}

s3_error bad_query_authorization(std::string message) {
  return {400, "AuthorizationQueryParametersError", std::move(message), {}};
}

s3_error entity_too_large(std::uint64_t proposed, std::uint64_t allowed) {
  return {400,
          "EntityTooLarge",
          "Your proposed upload exceeds the maximum allowed size",
          {{"ProposedSize", std::to_string(proposed)}, {"MaxSizeAllowed", std::to_string(allowed)}}};
}

s3_error incomplete_body(std::uint64_t expected, std::uint64_t received) {
  return {400,
          "IncompleteBody",
          "You did not provide the number of bytes specified by the Content-Length HTTP header",
          {{"NumberBytesExpected", std::to_string(expected)}, {"NumberBytesProvided", std::to_string(received)}}};
}

s3_error invalid_digest(std::string_view content_md5) {
  return {
      400, "InvalidDigest", "The Content-MD5 you specified was invalid.", {{"Content-MD5", std::string(content_md5)}}};
}

s3_error bad_digest(std::string expected_base64, std::string calculated_base64) {
  return {400,
          "BadDigest",
          "The Content-MD5 you specified did not match what we received.",
          {{"ExpectedDigest", std::move(expected_base64)}, {"CalculatedDigest", std::move(calculated_base64)}}};
}

s3_error internal_error() {
  return {500, "InternalError", "We encountered an internal error. Please try again.", {}};
}

s3_error invalid_range(std::string_view requested, std::uint64_t size) {
  return {416,
          "InvalidRange",
          "The requested range is not satisfiable",
          {{"RangeRequested", std::string(requested)}, {"ActualObjectSize", std::to_string(size)}}};
}

s3_error method_not_allowed(std::string_view method) {
  return {405,
          "MethodNotAllowed",
          "The specified method is not allowed against this resource.",
          {{"Method", std::string(method)}, {"ResourceType", "OBJECT"}}};
}

s3_error missing_content_length() {
  return {411, "MissingContentLength", "You must provide the Content-Length HTTP header.", {}};
}

s3_error no_such_bucket(std::string_view bucket) {
  return {404, "NoSuchBucket", "The specified bucket does not exist", {{"BucketName", std::string(bucket)}}};
}

s3_error no_such_key(std::string_view key) {
  return {404, "NoSuchKey", "The specified key does not exist.", {{"Key", std::string(key)}}};
}

s3_error not_implemented(std::string_view header) {
  return {501,
          "NotImplemented",
          "A header you provided implies functionality that is not implemented",
          {{"Header", std::string(header)}}};
}

s3_error request_timeout() {
  return {400,
          "RequestTimeout",
          "Your socket connection to the server was not read from or written to within the timeout period. "
          "Idle connections will be closed.",
          {}};
}

s3_error slow_down() {
  return {503, "SlowDown", "Please reduce your request rate.", {}};
}

} // namespace hoist::server
