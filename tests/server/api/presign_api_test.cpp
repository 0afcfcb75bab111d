// POST /v1/upload/presign without a socket.
#include "server/api/presign_api.hpp"

#include <gtest/gtest.h>

#include "server/storage/put_judge.hpp"

namespace hoist::server {
namespace {

std::string refusal_of(std::string_view body) {
  presign_reader reader;
  const auto result = reader.read(body);
  const auto* refusal = std::get_if<presign_refusal>(&result);
  return refusal == nullptr ? "" : refusal->message;
}

// Every field is checked, and the complaint names it.
TEST(presign_reader, table) {
  const std::string range = "expires_in_seconds must be an integer from 60 to 31536000";
  const std::string type = "content_type must be a media type such as image/png";
  const std::string kind = "file_type must be one of image, video, audio, other";
  const struct {
    const char* body;
    std::string refusal;
  } cases[] = {
      {R"({"content_type":"image/png"})", ""},
      {R"({"content_type":"text/plain; charset=utf-8","file_type":"other","expires_in_seconds":60})", ""},
      {R"({"content_type":"image/png","unknown":[1,2,{}]})", ""},
      {R"({"content_type":"image/png","file_type":null,"expires_in_seconds":null})", ""},
      {R"({})", "content_type is required"},
      {R"({"content_type":""})", "content_type is required"},
      {R"({"content_type":null})", "content_type is required"},
      {R"({"content_type":7})", "content_type must be a string"},
      {R"({"content_type":"png"})", type},
      {R"({"content_type":"image/"})", type},
      {R"({"content_type":"image/png\r\nX: y"})", type},
      {R"({"content_type":"image/p ng"})", type},
      {R"({"content_type":" image/png"})", type},
      {R"({"content_type":"image/png","file_type":"text"})", kind},
      {R"({"content_type":"image/png","file_type":1})", kind},
      {R"({"content_type":"image/png","expires_in_seconds":59})", range},
      {R"({"content_type":"image/png","expires_in_seconds":31536001})", range},
      {R"({"content_type":"image/png","expires_in_seconds":60.5})", range},
      {R"({"content_type":"image/png","expires_in_seconds":"60"})", range},
      {R"([])", "request body must be a JSON object"},
      {R"({"content_type":"image/png")", "request body is not valid JSON"},
      {R"({"content_type":"image/png"}x)", "request body is not valid JSON"},
      {"", "request body is not valid JSON"},
      {"{\"content_type\":\"image/\xff\"}", "request body is not valid JSON"},
  };
  for (const auto& [body, refusal] : cases) EXPECT_EQ(refusal_of(body), refusal) << body;
}

// Nesting has a limit.
TEST(presign_reader, depth) {
  EXPECT_EQ(refusal_of(std::string(1000, '[') + std::string(1000, ']')), "request body is not valid JSON");
}

struct fixture {
  server_options options;
  origins where{"https://api.test", "https://storage.test:9"};
  sigv4_account account{"HOISTTEST", "a secret", "us-east-1"};
  signing_keys keys{account};
  unix_time now = *from_amz_date("20260102T030405Z");

  std::string answer(std::string_view body) {
    presign_api api(options, where, keys);
    reply into;
    api.answer(body, now, into);
    EXPECT_EQ(into.status, 200U) << into.body;
    return into.body;
  }
};

std::string member(const std::string& json, const std::string& name) {
  simdjson::dom::parser parser;
  return std::string(std::string_view(parser.parse(json).at_key(name)));
}

// The URL that a presign returns is one that storage admits, with the headers that it asks for.
TEST(presign_api, its_url_is_admitted) {
  fixture f;
  const auto json = f.answer(R"({"content_type":"image/png","expires_in_seconds":600})");
  const auto id = member(json, "id");
  EXPECT_EQ(member(json, "public_url"), "https://storage.test:9/files/" + id);
  const auto url = member(json, "presigned_url");
  const std::string origin = "https://storage.test:9";
  ASSERT_TRUE(url.starts_with(origin + "/hoist-uploads/" + id + "?X-Amz-Algorithm=AWS4-HMAC-SHA256&")) << url;
  std::string request = "PUT ";
  request.append(url.substr(origin.size())).append(" HTTP/1.1\r\nHost: storage.test:9\r\nContent-Type: image/png\r\n");
  request.append("Content-Length: 5\r\nx-amz-meta-file-id: ").append(id).append("\r\n\r\n");
  request_head head;
  ASSERT_EQ(parse_head(request, head), head_state::complete);
  const auto verdict = judge_put(head, f.keys, {100, std::chrono::seconds{1}}, f.now);
  ASSERT_TRUE(std::holds_alternative<admitted_put>(verdict));
  EXPECT_EQ(std::get<admitted_put>(verdict).id.text(), id);
  EXPECT_EQ(std::get<admitted_put>(verdict).retention, std::chrono::seconds{600});
}

// expires_at follows the chosen reading.
TEST(presign_api, two_readings_of_expires_at) {
  fixture f;
  f.options.url_lifetime = std::chrono::minutes{15};
  f.options.retention = std::chrono::hours{1};
  EXPECT_EQ(member(f.answer(R"({"content_type":"a/b"})"), "expires_at"), "2026-01-02T03:19:05Z");
  f.options.expires_at = expires_at_means::retention;
  EXPECT_EQ(member(f.answer(R"({"content_type":"a/b"})"), "expires_at"), "2026-01-02T04:04:05Z");
  const auto asked = f.answer(R"({"content_type":"a/b","expires_in_seconds":60})");
  EXPECT_EQ(member(asked, "expires_at"), "2026-01-02T03:05:05Z");
}

// Method, key and size are judged in this order, before the body is looked at.
TEST(presign_api, refuses_by_head) {
  const struct {
    const char* head;
    unsigned status;
  } cases[] = {
      {"GET /v1/upload/presign HTTP/1.1\r\n\r\n", 405},
      {"POST /v1/upload/presign HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", 401},
      {"POST /v1/upload/presign HTTP/1.1\r\nX-API-Key: wrong\r\nContent-Length: 1\r\n\r\n", 401},
      {"POST /v1/upload/presign HTTP/1.1\r\nX-API-Key: key\r\nContent-Length: 65537\r\n\r\n", 413},
      {"POST /v1/upload/presign HTTP/1.1\r\nX-API-Key: key\r\n\r\n", 411},
      {"POST /v1/upload/presign HTTP/1.1\r\nx-api-key: key\r\nContent-Length: 65536\r\n\r\n", 0},
  };
  for (const auto& [text, status] : cases) {
    request_head head;
    ASSERT_EQ(parse_head(text, head), head_state::complete) << text;
    const auto refused = refuse_presign_head(head, "key");
    EXPECT_EQ(refused ? refused->status : 0U, status) << text;
  }
}

// The words of a 401 are the API's.
TEST(presign_api, unauthorized_body) {
  request_head head;
  ASSERT_EQ(parse_head("POST / HTTP/1.1\r\n\r\n", head), head_state::complete);
  EXPECT_EQ(refuse_presign_head(head, "key")->body, R"({"error":"Invalid or missing API key"})");
}

} // namespace
} // namespace hoist::server
