// Heads in, answers out.
#include "server/http/http_message.hpp"

#include <gtest/gtest.h>

#include "server/service/route.hpp"

namespace hoist::server {
namespace {

// A head is not taken before its empty line is there, whatever is missing.
TEST(parse_head, every_prefix_is_incomplete) {
  const std::string text = "POST /a?b=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n";
  request_head head;
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(parse_head(std::string_view(text).substr(0, length), head), head_state::incomplete) << length;
  }
  ASSERT_EQ(parse_head(text + "abcPOST", head), head_state::complete);
  EXPECT_EQ(head.bytes, text.size());
  EXPECT_EQ(head.content_length, 3U);
}

// What a head says is found under names in any case; path and query are apart.
TEST(parse_head, parts) {
  const std::string text = "PUT /a/b?c=d&e HTTP/1.1\r\nhOsT: h\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
  request_head head;
  ASSERT_EQ(parse_head(text, head), head_state::complete);
  EXPECT_EQ(head.method_text, "PUT");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "c=d&e");
  EXPECT_EQ(head.find("HOST"), "h");
  EXPECT_FALSE(head.content_length);
  EXPECT_TRUE(head.expects_continue);
  EXPECT_FALSE(head.keep_alive);
}

// What two parsers could read differently is refused.
TEST(parse_head, ambiguous_heads) {
  const struct {
    const char* name;
    std::string text;
    head_state expected;
  } cases[] = {
      {"garbage", "\x16\x03\x01\r\n\r\n", head_state::malformed},
      {"two lengths", "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", head_state::malformed},
      {"length and chunked", "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       head_state::malformed},
      {"two hosts", "PUT / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", head_state::malformed},
      {"negative length", "PUT / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", head_state::malformed},
      {"folded value", "PUT / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", head_state::malformed},
      {"space before colon", "PUT / HTTP/1.1\r\nA : b\r\n\r\n", head_state::malformed},
      {"bare LF", "PUT / HTTP/1.1\nA: b\n\r\n\r\n", head_state::malformed},
      {"HTTP/2", "PUT / HTTP/2.0\r\n\r\n", head_state::malformed},
      {"17 KiB", "PUT / HTTP/1.1\r\nA: " + std::string(17 * 1024, 'x'), head_state::too_large},
  };
  for (const auto& [name, text, expected] : cases) {
    request_head head;
    EXPECT_EQ(parse_head(text, head), expected) << name;
  }
}

// A hundred fields are taken, one more is not.
TEST(parse_head, field_count) {
  const auto with = [](std::size_t count) {
    std::string text = "GET / HTTP/1.1\r\n";
    for (std::size_t i = 0; i < count; ++i) text += "a: b\r\n";
    return text + "\r\n";
  };
  request_head head;
  EXPECT_EQ(parse_head(with(100), head), head_state::complete);
  EXPECT_EQ(head.fields().size(), 100U);
  EXPECT_EQ(parse_head(with(101), head), head_state::too_large);
}

// An answer has a date and a length; a HEAD's has the length of the body that is not there; 204 has none.
TEST(append_reply, framing) {
  reply answer;
  answer.start(200, "text/plain");
  answer.add("ETag", "\"x\"");
  answer.body = "ok";
  std::string out;
  append_reply(out, answer, {"DATE", false, {}});
  EXPECT_EQ(out, "HTTP/1.1 200 OK\r\nDate: DATE\r\nServer: hoist-server\r\nContent-Type: text/plain\r\n"
                 "ETag: \"x\"\r\nContent-Length: 2\r\n\r\nok");
  out.clear();
  append_reply(out, answer, {"DATE", true, 7});
  EXPECT_TRUE(out.ends_with("Content-Length: 7\r\nConnection: close\r\n\r\n")) << out;
  out.clear();
  answer.start(204, {});
  append_reply(out, answer, {"DATE", false, {}});
  EXPECT_EQ(out, "HTTP/1.1 204 No Content\r\nDate: DATE\r\nServer: hoist-server\r\n\r\n");
}

// Each path has one endpoint, and a port serves its own half only.
TEST(route_of, table) {
  const struct {
    const char* path;
    port_roles roles;
    endpoint place;
    const char* rest;
  } cases[] = {
      {"/v1/upload/presign", {true, true}, endpoint::presign, ""},
      {"/v1/upload/presign/", {true, true}, endpoint::nothing, ""},
      {"/v1/files/abc", {true, false}, endpoint::file, "abc"},
      {"/hoist-uploads/abc", {true, true}, endpoint::bucket, "abc"},
      {"/files/abc", {false, true}, endpoint::public_file, "abc"},
      {"/files/abc", {true, false}, endpoint::nothing, ""},
      {"/v1/upload/presign", {false, true}, endpoint::bucket, "/v1/upload/presign"},
      {"/hoist-uploadsx/abc", {true, true}, endpoint::nothing, ""},
      {"/healthz", {false, true}, endpoint::health, ""},
      {"/account", {false, true}, endpoint::bucket, "/account"},
      {"*", {true, true}, endpoint::nothing, ""},
      {"", {true, true}, endpoint::nothing, ""},
  };
  for (const auto& [path, roles, place, rest] : cases) {
    const auto found = route_of(path, roles);
    EXPECT_EQ(name_of(found.place), name_of(place)) << path;
    if (place != endpoint::nothing) {
      EXPECT_EQ(found.rest, rest) << path;
    }
  }
}

} // namespace
} // namespace hoist::server
