// What storage says to a PUT, from its head alone. Each case takes an honest request and changes one thing.
#include "server/storage/put_judge.hpp"

#include <gtest/gtest.h>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

const sigv4_account account{"HOISTTEST", "a secret", "us-east-1"};
const unix_time issued = *from_amz_date("20260102T030405Z");
constexpr auto id = "0b7e5f3a-1c2d-4e4f-8a9b-0c1d2e3f4a5b";
const put_policy policy{1000, std::chrono::seconds{3600}};

struct put_request {
  std::string method = "PUT";
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields{
      {"Host", "storage.test"}, {"Content-Type", "image/png"}, {"Content-Length", "10"}, {"x-amz-meta-file-id", id}};
  void set(const std::string& name, const std::string& value) {
    for (auto& field : fields) {
      if (field.first == name) field.second = value;
    }
  }
  void drop(const std::string& name) {
    std::erase_if(fields, [&](const auto& field) { return field.first == name; });
  }
  void replace(std::string_view from, std::string_view to) { target.replace(target.find(from), from.size(), to); }
  [[nodiscard]] std::string text() const {
    std::string out = method + " ";
    out.append(target).append(" HTTP/1.1\r\n");
    for (const auto& [name, value] : fields) out.append(name).append(": ").append(value).append("\r\n");
    return out + "\r\n";
  }
};

put_request honest() {
  signing_keys keys(account);
  const signed_headers headers{{"content-type", "image/png"}, {"host", "storage.test"}, {"x-amz-meta-file-id", id}};
  put_request request;
  request.target = presigned_url({"PUT",
                                  "",
                                  std::string("/hoist-uploads/") + id,
                                  headers,
                                  issued,
                                  std::chrono::seconds{900},
                                  {{"retain-seconds", "120"}}},
                                 keys);
  return request;
}

put_verdict judged(const put_request& request, unix_time now = issued) {
  signing_keys keys(account);
  const auto text = request.text();
  request_head head;
  EXPECT_EQ(parse_head(text, head), head_state::complete) << text;
  return judge_put(head, keys, policy, now);
}

std::string code_of(const put_verdict& verdict) {
  const auto* error = std::get_if<s3_error>(&verdict);
  return error == nullptr ? "admitted" : std::to_string(error->status) + " " + error->code;
}

// An honest request is admitted, with what its head and its ticket say.
TEST(put_judge, honest_request) {
  const auto verdict = judged(honest());
  ASSERT_EQ(code_of(verdict), "admitted");
  const auto& put = std::get<admitted_put>(verdict);
  EXPECT_EQ(put.id.text(), id);
  EXPECT_EQ(put.content_type, "image/png");
  EXPECT_EQ(put.size, 10U);
  EXPECT_EQ(put.retention, std::chrono::seconds{120});
  EXPECT_FALSE(put.content_md5);
}

// A URL works up to and with its last second, on the server's clock, and not from 15 minutes before it was issued.
TEST(put_judge, lifetime) {
  using std::chrono::seconds;
  EXPECT_EQ(code_of(judged(honest(), issued + seconds{900})), "admitted");
  EXPECT_EQ(code_of(judged(honest(), issued - seconds{900})), "admitted");
  const auto early = judged(honest(), issued - seconds{901});
  EXPECT_EQ(std::get<s3_error>(early).message, "Request is not valid yet");
  const auto late = judged(honest(), issued + seconds{901});
  ASSERT_EQ(code_of(late), "403 AccessDenied");
  const auto& error = std::get<s3_error>(late);
  EXPECT_EQ(error.message, "Request has expired");
  using pair = std::pair<std::string, std::string>;
  EXPECT_EQ(error.details, (std::vector<pair>{{"X-Amz-Expires", "900"},
                                              {"Expires", "2026-01-02T03:19:05Z"},
                                              {"ServerTime", "2026-01-02T03:19:06Z"}}));
}

// Each altered request gets the status and the code that S3 gives.
TEST(put_judge, altered_requests) {
  const struct {
    const char* name;
    void (*alter)(put_request&);
    const char* code;
  } cases[] = {
      {"other content type", [](put_request& r) { r.set("Content-Type", "image/gif"); }, "403 SignatureDoesNotMatch"},
      {"no content type", [](put_request& r) { r.drop("Content-Type"); }, "403 SignatureDoesNotMatch"},
      {"other host", [](put_request& r) { r.set("Host", "other.test"); }, "403 SignatureDoesNotMatch"},
      {"no required header", [](put_request& r) { r.drop("x-amz-meta-file-id"); }, "403 SignatureDoesNotMatch"},
      {"other required header", [](put_request& r) { r.set("x-amz-meta-file-id", "x"); }, "403 SignatureDoesNotMatch"},
      {"other method", [](put_request& r) { r.method = "POST"; }, "403 SignatureDoesNotMatch"},
      {"other key", [](put_request& r) { r.replace("0b7e5f3a", "1b7e5f3a"); }, "403 SignatureDoesNotMatch"},
      {"other bucket", [](put_request& r) { r.replace("hoist-uploads", "hoist-downlads"); }, "404 NoSuchBucket"},
      {"other retention", [](put_request& r) { r.replace("retain-seconds=120", "retain-seconds=121"); },
       "403 SignatureDoesNotMatch"},
      {"parameter added", [](put_request& r) { r.target += "&partNumber=1"; }, "403 SignatureDoesNotMatch"},
      {"lifetime stretched", [](put_request& r) { r.replace("X-Amz-Expires=900", "X-Amz-Expires=901"); },
       "403 SignatureDoesNotMatch"},
      {"unsigned x-amz header", [](put_request& r) { r.fields.emplace_back("X-Amz-Acl", "public-read"); },
       "403 AccessDenied"},
      {"no query", [](put_request& r) { r.target.resize(r.target.find('?')); }, "403 AccessDenied"},
      {"half a query", [](put_request& r) { r.target.resize(r.target.find("&X-Amz-Date")); },
       "400 AuthorizationQueryParametersError"},
      {"lifetime no number", [](put_request& r) { r.replace("X-Amz-Expires=900", "X-Amz-Expires=9x"); },
       "400 AuthorizationQueryParametersError"},
      {"lifetime over a week", [](put_request& r) { r.replace("X-Amz-Expires=900", "X-Amz-Expires=604801"); },
       "400 AuthorizationQueryParametersError"},
      {"names of headers twice",
       [](put_request& r) { r.replace("content-type%3Bhost", "content-type%3Bcontent-type%3Bhost"); },
       "400 AuthorizationQueryParametersError"},
      {"other account", [](put_request& r) { r.replace("HOISTTEST", "HOISTXXXX"); }, "403 InvalidAccessKeyId"},
      {"other region", [](put_request& r) { r.replace("us-east-1", "eu-east-1"); },
       "400 AuthorizationQueryParametersError"},
      {"chunked",
       [](put_request& r) {
         r.drop("Content-Length");
         r.fields.emplace_back("Transfer-Encoding", "chunked");
       },
       "501 NotImplemented"},
      {"no length", [](put_request& r) { r.drop("Content-Length"); }, "411 MissingContentLength"},
      {"too large", [](put_request& r) { r.set("Content-Length", "1001"); }, "400 EntityTooLarge"},
      {"largest", [](put_request& r) { r.set("Content-Length", "1000"); }, "admitted"},
      {"empty", [](put_request& r) { r.set("Content-Length", "0"); }, "admitted"},
      {"bad digest text", [](put_request& r) { r.fields.emplace_back("Content-MD5", "abc"); }, "400 InvalidDigest"},
      {"short digest", [](put_request& r) { r.fields.emplace_back("Content-MD5", "YWJj"); }, "400 InvalidDigest"},
      {"digest", [](put_request& r) { r.fields.emplace_back("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="); }, "admitted"},
      {"spaces around values", [](put_request& r) { r.set("Content-Type", "  image/png "); }, "admitted"},
      {"broken percent", [](put_request& r) { r.target += "&a=%4"; }, "400 InvalidURI"},
  };
  for (const auto& [name, alter, code] : cases) {
    auto request = honest();
    alter(request);
    EXPECT_EQ(code_of(judged(request)), code) << name;
  }
}

// Expiry is said before a wrong signature is: a stale URL never looks like a broken one.
TEST(put_judge, expiry_comes_first) {
  auto request = honest();
  request.set("Content-Type", "image/gif");
  EXPECT_EQ(code_of(judged(request, issued + std::chrono::seconds{2000})), "403 AccessDenied");
}

// The unsigned headers are named.
TEST(put_judge, names_unsigned_headers) {
  auto request = honest();
  request.fields.emplace_back("x-amz-acl", "private");
  const auto verdict = judged(request);
  const auto& error = std::get<s3_error>(verdict);
  EXPECT_EQ(error.message, "There were headers present in the request which were not signed");
  EXPECT_EQ(error.details.front(), (std::pair<std::string, std::string>{"HeadersNotSigned", "x-amz-acl"}));
}

} // namespace
} // namespace hoist::server
