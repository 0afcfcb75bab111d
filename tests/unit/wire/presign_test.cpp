#include "wire/presign.hpp"

#include "wire/dates.hpp"

#include <hoist/version.hpp>

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

using kind = reply_refusal::kind;
using namespace std::chrono_literals;

constexpr std::string_view key = "secret-key-123";

// ---- the request ------------------------------------------------------------------------------------------------

struct request_case {
  const char* name;
  std::string_view content_type;
  std::chrono::seconds expires_in;
  std::string_view body;
};

// The request's bytes: the contract's headers, a body of the three fields, and its exact length.
TEST(presign_request, bytes) {
  const request_case cases[] = {
      {"image", "image/png", 0s, R"({"content_type":"image/png","file_type":"image"})"},
      {"video", "video/mp4", 0s, R"({"content_type":"video/mp4","file_type":"video"})"},
      {"audio", "audio/mpeg", 0s, R"({"content_type":"audio/mpeg","file_type":"audio"})"},
      {"other", "application/pdf", 0s, R"({"content_type":"application/pdf","file_type":"other"})"},
      {"only begins so", "imagex/png", 0s, R"({"content_type":"imagex/png","file_type":"other"})"},
      {"no minor part", "image", 0s, R"({"content_type":"image","file_type":"other"})"},
      {"retention", "image/png", 3600s,
       R"({"content_type":"image/png","file_type":"image","expires_in_seconds":3600})"},
      {"parameters and quotes", "text/plain; a=\"b\\c\"", 0s,
       R"({"content_type":"text/plain; a=\"b\\c\"","file_type":"other"})"},
      {"controls are escaped", "a\r\nb\x01", 0s, R"({"content_type":"a\u000d\u000ab\u0001","file_type":"other"})"},
      {"above ASCII", "text/żółć", 0s, R"({"content_type":"text/żółć","file_type":"other"})"},
  };
  for (const auto& c : cases) {
    const presign_writer writer({scheme::https, "api.example", 443}, key, c.expires_in);
    std::string out = "before";
    writer.append(out, c.content_type);
    const auto head_end = out.find("\r\n\r\n");
    ASSERT_NE(head_end, std::string::npos) << c.name;
    const std::string head = out.substr(6, head_end - 6 + 2);
    EXPECT_EQ(out.substr(0, 6), "before") << c.name;
    EXPECT_EQ(out.substr(head_end + 4), c.body) << c.name;
    EXPECT_TRUE(head.starts_with("POST /v1/upload/presign HTTP/1.1\r\n")) << c.name;
    for (const std::string& line :
         {std::string("Host: api.example"), "X-API-Key: " + std::string(key),
          std::string("Content-Type: application/json"), "Content-Length: " + std::to_string(c.body.size())})
      EXPECT_NE(head.find("\r\n" + line + "\r\n"), std::string::npos) << c.name << ": " << line << " in\n" << head;
  }
}

// Requests written one behind the other (pipelined) are each whole.
TEST(presign_request, several_in_one_buffer) {
  const presign_writer writer({scheme::http, "::1", 8080}, key, 0s);
  std::string one, two;
  writer.append(one, "image/png");
  writer.append(two, "image/png");
  writer.append(two, "image/png");
  EXPECT_EQ(two, one + one);
  EXPECT_NE(one.find("\r\nHost: [::1]:8080\r\n"), std::string::npos);
}

// ---- the reply --------------------------------------------------------------------------------------------------

reply_refusal parse(std::string body, ticket& out, reply_rules rules = {std::string(key), false}) {
  presign_reader reader(std::move(rules));
  const std::size_t size = body.size();
  body.append(presign_reader::padding(), ' ');
  return reader.parse(std::string_view(body).substr(0, size), out);
}

constexpr std::string_view id = R"("id":"3f2c")";
constexpr std::string_view put_url = R"("presigned_url":"https://s3.example/k?X-Amz-Signature=ab")";
constexpr std::string_view public_url = R"("public_url":"https://cdn.example/3f2c.png")";
constexpr std::string_view expires_at = R"("expires_at":"2026-11-22T10:15:30Z")";
constexpr std::string_view headers = R"("required_headers":{"x-amz-meta-file-id":"3f2c"})";

std::string object(std::initializer_list<std::string_view> members) {
  std::string text = "{";
  for (const auto member : members) {
    if (text.size() > 1) text += ',';
    text += member;
  }
  return text + "}";
}

// A good reply becomes a ticket.
TEST(presign_reply, taken) {
  ticket t;
  const auto refusal = parse(object({id, put_url, public_url, expires_at, headers}), t);
  EXPECT_FALSE(refusal) << refusal.reason;
  EXPECT_EQ(t.id, "3f2c");
  EXPECT_EQ(t.put_url.where, (origin{scheme::https, "s3.example", 443}));
  EXPECT_EQ(t.put_url.target, "/k?X-Amz-Signature=ab");
  EXPECT_EQ(t.public_url, "https://cdn.example/3f2c.png");
  EXPECT_EQ(t.required_headers, (std::vector<header>{{"x-amz-meta-file-id", "3f2c"}}));
  EXPECT_EQ(t.dates.expires_at, parse_iso8601("2026-11-22T10:15:30Z"));
  EXPECT_FALSE(t.dates.signed_until);
  EXPECT_FALSE(t.expires_at_unreadable);
}

struct reply_case {
  const char* name;
  std::string body;
};

struct json_case {
  const char* name;
  std::string body;
  std::string_view expected;
};

// Order, white space, unknown fields and absent or empty headers do not matter.
TEST(presign_reply, tolerated) {
  const reply_case cases[] = {
      {"other order", object({headers, expires_at, public_url, put_url, id})},
      {"white space", " \r\n\t" + object({id, put_url, public_url, expires_at}) + "\n"},
      {"no headers", object({id, put_url, public_url, expires_at})},
      {"empty headers", object({id, put_url, public_url, expires_at, R"("required_headers":{})"})},
      {"null headers", object({id, put_url, public_url, expires_at, R"("required_headers":null)"})},
      {"unknown fields", object({id, put_url, public_url, expires_at, R"("x":[1,{"id":"no"}],"y":null,"Id":7)"})},
      {"unknown field twice", object({id, put_url, public_url, expires_at, R"("x":1,"x":2)"})},
      {"byte order mark", "\xef\xbb\xbf" + object({id, put_url, public_url, expires_at}) + "\r\n"},
      {"PHP's empty headers", object({id, put_url, public_url, expires_at, R"("required_headers":[])"})},
      {"empty text for headers", object({id, put_url, public_url, expires_at, R"("required_headers":"")"})},
      {"false for headers", object({id, put_url, public_url, expires_at, R"("required_headers":false)"})},
      {"no expiry at all", object({id, put_url, public_url})},
      {"escaped slashes",
       object({id, R"("presigned_url":"https:\/\/s3.example\/k?X-Amz-Signature=ab")", public_url, expires_at})},
      {"escaped name", object({R"("\u0069d":"3f2c")", put_url, public_url, expires_at})},
      {"unknown integer beyond 64 bits",
       object({R"("x":[99999999999999999999999,{"y":-99999999999999999999}])", id, put_url, public_url})},
      {"unknown integer of 400 digits",
       object({id, put_url, public_url, expires_at, "\"x\":" + std::string(400, '9')})},
      {"such digits in a text",
       object({id, put_url, public_url, R"("\"\\":"a\\\"99999999999999999999999\\","x":18446744073709551616)"})},
      {"framing names that are compared later",
       object({id, put_url, public_url, expires_at,
               R"("required_headers":{"Host":"s3.example","Content-Length":"5","Content-Type":"image/png"})"})},
  };
  for (const auto& c : cases) {
    ticket t;
    const auto refusal = parse(c.body, t);
    EXPECT_FALSE(refusal) << c.name << ": " << refusal.field << ' ' << refusal.reason;
    EXPECT_EQ(t.id, "3f2c") << c.name;
  }
}

// A number as an id is its digits.
TEST(presign_reply, numbered_ids) {
  for (std::string_view number : {"0", "7", "18446744073709551615"}) {
    ticket t;
    EXPECT_FALSE(parse(object({"\"id\":" + std::string(number), put_url, public_url, expires_at}), t)) << number;
    EXPECT_EQ(t.id, number);
    const auto large = R"("x":18446744073709551616,"y":-9223372036854775809)";
    EXPECT_FALSE(parse(object({"\"id\":" + std::string(number), large, put_url, public_url, expires_at}), t)) << number;
    EXPECT_EQ(t.id, number) << "beside integers that are larger";
  }
}

// A header's value is a text, a value with one spelling, or the only element of a list, as Go and Java have them.
TEST(presign_reply, header_values) {
  const json_case cases[] = {
      {"text", R"("v")", "v"},
      {"empty text", R"("")", ""},
      {"number", "86400", "86400"},
      {"negative number", "-1", "-1"},
      {"large number", "18446744073709551615", "18446744073709551615"},
      {"true", "true", "true"},
      {"false", "false", "false"},
      {"list", R"(["v"])", "v"},
      {"list of a number", "[7]", "7"},
  };
  for (const auto& c : cases) {
    ticket t;
    const std::string given = R"("required_headers":{"x-a":)" + c.body + "}";
    const auto refusal = parse(object({id, put_url, public_url, expires_at, given}), t);
    EXPECT_FALSE(refusal) << c.name << ": " << refusal.reason;
    EXPECT_EQ(t.required_headers, (std::vector<header>{{"x-a", std::string(c.expected)}})) << c.name;
  }
}

// What is no JSON object of the right members and types is malformed.
TEST(presign_reply, malformed) {
  const reply_case cases[] = {
      {"empty", ""},
      {"blank", "   "},
      {"HTML", "<html>502</html>"},
      {"array", "[]"},
      {"string", "\"x\""},
      {"null", "null"},
      {"number", "7"},
      {"empty object", "{}"},
      {"no id", object({put_url, public_url, expires_at})},
      {"no presigned_url", object({id, public_url, expires_at})},
      {"no public_url", object({id, put_url, expires_at})},
      {"expiry unreadable and no other bound", object({id, put_url, public_url, R"("expires_at":"soon")"})},
      {"expiry an object and no other bound", object({id, put_url, public_url, R"("expires_at":{"date":"soon"})"})},
      {"expiry a small number and no other bound", object({id, put_url, public_url, R"("expires_at":900)"})},
      {"expiry beyond 64 bits and no other bound",
       object({id, put_url, public_url, R"("expires_at":99999999999999999999999)"})},
      {"id beyond 64 bits", object({R"("id":18446744073709551616)", put_url, public_url, expires_at})},
      {"header value beyond 64 bits",
       object({id, put_url, public_url, expires_at, R"("required_headers":{"x":18446744073709551616})"})},
      {"large integer with leading zeros",
       object({id, put_url, public_url, expires_at, R"("x":099999999999999999999999)"})},
      {"large integer with letters", object({id, put_url, public_url, expires_at, R"("x":99999999999999999999999z)"})},
      {"large integer with a text", object({id, put_url, public_url, expires_at, R"("x":99999999999999999999999"y")"})},
      {"large integer with two points",
       object({id, put_url, public_url, expires_at, R"("x":99999999999999999999999.1.2)"})},
      {"large integer with two signs",
       object({id, put_url, public_url, expires_at, R"("x":--99999999999999999999999)"})},
      {"large integer, and no end", R"({"x":99999999999999999999999,"y":"a\)"},
      {"id a fraction", object({R"("id":7.5)", put_url, public_url, expires_at})},
      {"id negative", object({R"("id":-7)", put_url, public_url, expires_at})},
      {"id a list", object({R"("id":["7"])", put_url, public_url, expires_at})},
      {"id twice, as numbers", object({R"("id":7,"id":7)", put_url, public_url, expires_at})},
      {"in an envelope", R"({"data":)" + object({id, put_url, public_url, expires_at}) + "}"},
      {"public_url null", object({id, put_url, R"("public_url":null)", expires_at})},
      {"id null", object({R"("id":null)", put_url, public_url, expires_at})},
      {"id an object", object({R"("id":{})", put_url, public_url, expires_at})},
      {"id empty", object({R"("id":"")", put_url, public_url, expires_at})},
      {"id with line end", object({R"("id":"a\u000d\u000ab")", put_url, public_url, expires_at})},
      {"id with NUL", object({R"("id":"a\u0000")", put_url, public_url, expires_at})},
      {"id with a space", object({R"("id":"a b")", put_url, public_url, expires_at})},
      {"id of 10 000 bytes", object({R"("id":")" + std::string(10'000, 'a') + '"', put_url, public_url, expires_at})},
      {"presigned_url a number", object({id, R"("presigned_url":7)", public_url, expires_at})},
      {"public_url an array", object({id, put_url, R"("public_url":["https://h/"])", expires_at})},
      {"headers a list of pairs",
       object({id, put_url, public_url, expires_at, R"("required_headers":[{"name":"x","value":"y"}])"})},
      {"headers true", object({id, put_url, public_url, expires_at, R"("required_headers":true)"})},
      {"headers a string", object({id, put_url, public_url, expires_at, R"("required_headers":"x: y")"})},
      {"header value a fraction", object({id, put_url, public_url, expires_at, R"("required_headers":{"x":1.0})"})},
      {"header value an object", object({id, put_url, public_url, expires_at, R"("required_headers":{"x":{}})"})},
      {"header value an empty list", object({id, put_url, public_url, expires_at, R"("required_headers":{"x":[]})"})},
      {"header value a list of two",
       object({id, put_url, public_url, expires_at, R"("required_headers":{"x":["1","2"]})"})},
      {"header value a list of null",
       object({id, put_url, public_url, expires_at, R"("required_headers":{"x":[null]})"})},
      {"header value a list of lists",
       object({id, put_url, public_url, expires_at, R"("required_headers":{"x":[["1"]]})"})},
      {"header value null", object({id, put_url, public_url, expires_at, R"("required_headers":{"x":null})"})},
      {"id twice", object({id, id, put_url, public_url, expires_at})},
      {"presigned_url twice", object({id, put_url, put_url, public_url, expires_at})},
      {"public_url twice", object({id, put_url, public_url, public_url, expires_at})},
      {"expires_at twice", object({id, put_url, public_url, expires_at, expires_at})},
      {"headers twice", object({id, put_url, public_url, expires_at, headers, headers})},
      {"id twice, once escaped", object({id, R"("\u0069d":"other")", put_url, public_url, expires_at})},
      {"text behind it", object({id, put_url, public_url, expires_at}) + "x"},
      {"a second object", object({id, put_url, public_url, expires_at}) + "{}"},
      {"trailing comma", "{" + std::string(id) + ",}"},
      {"bad UTF-8", object({"\"id\":\"a\xff\"", put_url, public_url, expires_at})},
      {"bad UTF-8 in an unknown field", object({id, put_url, public_url, expires_at, "\"x\":\"\xc3(\""})},
      {"lone surrogate", object({R"("id":"\ud800")", put_url, public_url, expires_at})},
      {"raw line end in a string", object({"\"id\":\"a\nb\"", put_url, public_url, expires_at})},
      {"raw NUL", object({id, put_url, public_url, expires_at}) + std::string(1, '\0')},
      {"deep arrays", std::string(30'000, '[') + std::string(30'000, ']')},
      {"deep arrays, open", std::string(60'000, '[')},
      {"deep objects in an unknown field",
       object({id, put_url, public_url, expires_at}).substr(0, 20) + "\"x\":" + std::string(20'000, '{')},
      {"not a number", object({id, put_url, public_url, expires_at, "\"x\":NaN"})},
  };
  for (const auto& c : cases) {
    ticket t;
    const auto refusal = parse(c.body, t);
    EXPECT_EQ(static_cast<int>(refusal.what), static_cast<int>(kind::malformed)) << c.name << ": " << refusal.reason;
    EXPECT_FALSE(refusal.reason.empty()) << c.name;
  }
}

// A reply cut anywhere is malformed, never a ticket and never a crash.
TEST(presign_reply, truncated_anywhere) {
  const std::string whole = object({id, put_url, public_url, expires_at, headers});
  for (std::size_t n = 0; n < whole.size(); ++n) {
    ticket t;
    EXPECT_TRUE(parse(whole.substr(0, n), t)) << n;
  }
}

// 64 KiB are read, one byte more is not, whatever it holds.
TEST(presign_reply, length) {
  const std::string good = object({id, put_url, public_url, expires_at});
  const auto padded = [&](std::size_t bytes) { return good + std::string(bytes - good.size(), ' '); };
  ticket t;
  EXPECT_FALSE(parse(padded(64 * 1024), t));
  EXPECT_EQ(static_cast<int>(parse(padded(64 * 1024 + 1), t).what), static_cast<int>(kind::malformed));
  EXPECT_EQ(static_cast<int>(parse(padded(4 << 20), t).what), static_cast<int>(kind::malformed));
}

// A presigned URL with control characters smuggled as escapes, a scheme other than https, or the key is refused as a
// URL.
TEST(presign_reply, hostile_urls) {
  const auto with_put = [](std::string_view url) {
    return object({id, "\"presigned_url\":\"" + std::string(url) + '"', public_url, expires_at});
  };
  const auto with_public = [](std::string_view url) {
    return object({id, put_url, "\"public_url\":\"" + std::string(url) + '"', expires_at});
  };
  const reply_case cases[] = {
      {"CR LF", with_put(R"(https://s3.example/k\u000d\u000aX-Evil: 1)")},
      {"LF", with_put(R"(https://s3.example/k\nX)")},
      {"NUL", with_put(R"(https://s3.example/\u0000)")},
      {"tab", with_put(R"(https://s3.example/\t)")},
      {"C1", with_put(R"(https://s3.example/\u009b)")},
      {"space", with_put("https://s3.example/a b")},
      {"http", with_put("http://s3.example/k")},
      {"file", with_put("file:///etc/passwd")},
      {"user", with_put("https://u:p@s3.example/k")},
      {"fragment", with_put("https://s3.example/k#f")},
      {"encoded host", with_put("https://s3.example%2F10.0.0.1/k")},
      {"empty", with_put("")},
      {"long", with_put("https://s3.example/" + std::string(9000, 'a'))},
      {"the key in it", with_put("https://s3.example/k?key=secret-key-123")},
      {"public: CR LF", with_public(R"(https://h/\u000d\u000a)")},
      {"public: ESC", with_public(R"(https://h/\u001b[2J)")},
      {"public: javascript", with_public("javascript:alert(1)")},
      {"public: empty", with_public("")},
      {"public: long", with_public("https://h/" + std::string(9000, 'a'))},
  };
  for (const auto& c : cases) {
    ticket t;
    const auto refusal = parse(c.body, t);
    EXPECT_EQ(static_cast<int>(refusal.what), static_cast<int>(kind::url)) << c.name << ": " << refusal.reason;
    EXPECT_EQ(refusal.reason.find("secret"), std::string_view::npos) << c.name;
  }
}

// Plain http storage passes only where the rules say so.
TEST(presign_reply, plain_http_storage) {
  const std::string body = object({id, R"("presigned_url":"http://127.0.0.1:9000/k")", public_url, expires_at});
  ticket t;
  EXPECT_TRUE(parse(body, t, {std::string(key), false}));
  EXPECT_FALSE(parse(body, t, {std::string(key), true}));
  EXPECT_EQ(t.put_url.where, (origin{scheme::http, "127.0.0.1", 9000}));
}

// The key is in no output and no ledger: a reply that echoes it where it would be published is refused.
TEST(presign_reply, regression_the_key_is_not_published) {
  ticket t;
  EXPECT_TRUE(parse(object({R"("id":"secret-key-123")", put_url, public_url, expires_at}), t));
  EXPECT_TRUE(parse(object({id, put_url, R"("public_url":"https://h/?k=secret-key-123")", expires_at}), t));
}

// Headers that may not be sent refuse the reply as headers: line ends as escapes, framing names, the key, too many.
TEST(presign_reply, hostile_headers) {
  const auto with = [](std::string_view members) {
    return object({id, put_url, public_url, expires_at, "\"required_headers\":{" + std::string(members) + "}"});
  };
  std::string many;
  for (int i = 0; i < 2000; ++i) many += (i > 0 ? ",\"x-" : "\"x-") + std::to_string(i) + "\":\"v\"";
  const reply_case cases[] = {
      {"CR LF in a value", with(R"("x-a":"1\u000d\u000aX-Evil: 2")")},
      {"CR LF in a name", with(R"("x-a\u000d\u000ax-b":"1")")},
      {"NUL", with(R"("x-a":"\u0000")")},
      {"no token", with(R"("x a":"1")")},
      {"empty name", with(R"("":"1")")},
      {"Transfer-Encoding", with(R"("Transfer-Encoding":"chunked")")},
      {"the key", with(R"("Authorization":"Bearer secret-key-123")")},
      {"the key, escaped", with(R"("x-a":"\u0073ecret-key-123")")},
      {"one name twice", with(R"("x-a":"1","x-a":"1")")},
      {"one name in two spellings", with(R"("x-a":"1","X-A":"2")")},
      {"2000", with(many)},
      {"long value", with("\"x-a\":\"" + std::string(60'000, 'v') + '"')},
  };
  for (const auto& c : cases) {
    ticket t;
    const auto refusal = parse(c.body, t);
    EXPECT_EQ(static_cast<int>(refusal.what), static_cast<int>(kind::headers)) << c.name << ": " << refusal.reason;
  }
}

struct signed_case {
  const char* name;
  std::string_view query;
  std::optional<std::string_view> expected;
};

// The signature's own expiry is X-Amz-Date + X-Amz-Expires, when both can be read.
TEST(presign_reply, signed_until) {
  const signed_case cases[] = {
      {"both", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=900", "2026-11-22T10:15:00Z"},
      {"other order", "X-Amz-Expires=60&a=b&X-Amz-Date=20261122T100000Z", "2026-11-22T10:01:00Z"},
      {"seven days", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=604800", "2026-11-29T10:00:00Z"},
      {"no date", "X-Amz-Expires=900", {}},
      {"no expires", "X-Amz-Date=20261122T100000Z", {}},
      {"beyond SigV4", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=604801", {}},
      {"negative", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=-1", {}},
      {"overflow", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=99999999999999999999", {}},
      {"junk", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=9s", {}},
      {"empty", "X-Amz-Date=20261122T100000Z&X-Amz-Expires=", {}},
      {"bad date", "X-Amz-Date=20261322T100000Z&X-Amz-Expires=900", {}},
  };
  for (const auto& c : cases) {
    ticket t;
    const auto refusal = parse(
        object({id, "\"presigned_url\":\"https://s3.example/k?" + std::string(c.query) + '"', public_url, expires_at}),
        t);
    EXPECT_FALSE(refusal) << c.name << ": " << refusal.reason;
    EXPECT_EQ(t.dates.signed_until, c.expected ? parse_iso8601(*c.expected) : std::nullopt) << c.name;
  }
}

// An `expires_at` is read as serialisers write it.
TEST(presign_reply, spellings_of_expires_at) {
  for (std::string_view text :
       {R"("2026-11-22T10:15:30Z")", R"("2026-11-22T10:15:30+00:00")", R"("2026-11-22T10:15:30.000+0000")",
        R"("2026-11-22 10:15:30")", R"("Sun, 22 Nov 2026 10:15:30 GMT")", "1795342530", "1795342530000", "1795342530.0",
        "1.79534253e9", R"("1795342530")"}) {
    ticket t;
    const auto refusal = parse(object({id, put_url, public_url, "\"expires_at\":" + std::string(text)}), t);
    EXPECT_FALSE(refusal) << text << refusal.reason;
    EXPECT_EQ(t.dates.expires_at, parse_iso8601("2026-11-22T10:15:30Z")) << text;
    EXPECT_FALSE(t.expires_at_unreadable) << text;
  }
}

// An `expires_at` that was never set, in whatever way a serialiser says so, is ignored, and noted: the limit of a URL's
// life is bound enough.
TEST(presign_reply, unset_expires_at) {
  for (std::string_view text : {"null", R"("")", R"(" ")", "false", "0", "0.0", "[]", "{}", R"("0001-01-01T00:00:00Z")",
                                R"("1970-01-01T00:00:00+00:00")"}) {
    ticket t;
    const auto refusal = parse(object({id, put_url, public_url, "\"expires_at\":" + std::string(text)}), t);
    EXPECT_FALSE(refusal) << text << refusal.reason;
    EXPECT_FALSE(t.dates.expires_at) << text;
    EXPECT_TRUE(t.expires_at_unreadable) << text;
  }
  ticket t;
  EXPECT_FALSE(parse(object({id, put_url, public_url}), t));
  EXPECT_FALSE(t.expires_at_unreadable) << "what is absent is not unreadable";
}

// One that says what we cannot read is ignored, and noted, when the signature bounds the URL.
TEST(presign_reply, unreadable_expires_at) {
  const std::string url = R"("presigned_url":"https://s3.example/k?X-Amz-Date=20261122T100000Z&X-Amz-Expires=900")";
  for (std::string_view text : {R"("soon")", R"("")", R"("2026-13-01T00:00:00Z")", "null", "true", "false", "900", "-1",
                                "1e300", "99999999999999999999999", "-99999999999999999999999", "18446744073709551616",
                                R"({"date":"2026-11-22 10:15:30","timezone":"UTC"})", "[2026,11,22,10,15,30]"}) {
    ticket t;
    const auto refusal = parse(object({id, url, public_url, "\"expires_at\":" + std::string(text)}), t);
    EXPECT_FALSE(refusal) << text << refusal.reason;
    EXPECT_TRUE(t.expires_at_unreadable) << text;
    EXPECT_FALSE(t.dates.expires_at) << text;
    EXPECT_TRUE(t.dates.signed_until) << text;
  }
}

// Reader and ticket are reused: nothing of an earlier reply, good or bad, stays.
TEST(presign_reply, reused) {
  presign_reader reader({std::string(key), false});
  ticket t;
  const auto read = [&](std::string body) {
    const std::size_t size = body.size();
    body.append(presign_reader::padding(), ' ');
    return static_cast<bool>(reader.parse(std::string_view(body).substr(0, size), t));
  };
  EXPECT_FALSE(read(object({id, put_url, public_url, expires_at, headers})));
  EXPECT_TRUE(read("{\"id\":\"" + std::string(1000, 'x')));
  const std::string signed_url = R"("presigned_url":"https://o/k?X-Amz-Date=20261122T100000Z&X-Amz-Expires=900")";
  EXPECT_FALSE(read(object({id, signed_url, public_url, R"("expires_at":"junk")"})));
  EXPECT_FALSE(read(object({R"("id":"9")", R"("presigned_url":"https://o")", public_url, expires_at})));
  EXPECT_EQ(t.id, "9");
  EXPECT_EQ(t.put_url.target, "/");
  EXPECT_TRUE(t.required_headers.empty());
  EXPECT_FALSE(t.dates.signed_until);
  EXPECT_FALSE(t.expires_at_unreadable);
}

// ---- errors -----------------------------------------------------------------------------------------------------

// What the API says to people is quoted when it says something; empty bodies, `{}` and HTML are as good as silence.
TEST(api_error, bodies) {
  const json_case cases[] = {
      {"the contract's", R"({"error": "content_type is required"})", "content_type is required"},
      {"with more", R"({"code":1,"error":"x","y":[]})", "x"},
      {"empty text", R"({"error":""})", ""},
      {"empty object", "{}", ""},
      {"nothing", "", ""},
      {"blank", " ", ""},
      {"HTML", "<html></html>", ""},
      {"an object", R"({"error":{"code":7,"message":"x"}})", "x"},
      {"an object without words", R"({"error":{"code":7}})", ""},
      {"a gateway's", R"({"message":"Forbidden"})", "Forbidden"},
      {"a problem", R"({"type":"about:blank","title":"Not Found","status":404})", "Not Found"},
      {"a framework's", R"({"detail":"Not Found"})", "Not Found"},
      {"error first", R"({"message":"m","error":"e"})", "e"},
      {"BOM", "\xef\xbb\xbf{\"error\":\"x\"}", "x"},
      {"beside a large integer", R"({"limit":99999999999999999999999,"error":"x"})", "x"},
      {"a number", R"({"error":7})", ""},
      {"null", R"({"error":null})", ""},
      {"array", R"(["error"])", ""},
      {"string", R"("error")", ""},
      {"cut", R"({"error":"x)", ""},
      {"bad UTF-8", "{\"error\":\"\xff\"}", ""},
      {"deep", std::string(60'000, '['), ""},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_api_error(c.body), c.expected) << c.name;
  EXPECT_EQ(parse_api_error(R"({"error":")" + std::string(5000, 'a') + "\"}").size(), 256u);
}

} // namespace
} // namespace hoist::wire
