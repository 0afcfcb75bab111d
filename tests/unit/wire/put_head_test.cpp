#include "wire/put_head.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace hoist::wire {
namespace {

ticket ticket_for(std::string_view where, std::vector<header> headers = {}) {
  ticket t;
  EXPECT_EQ(parse_url(where, t.put_url), "");
  t.required_headers = std::move(headers);
  return t;
}

struct head {
  std::string refusal, text;

  /// Values of all lines of that name, in any case of letters.
  std::vector<std::string> values(std::string_view name) const {
    std::vector<std::string> found;
    for (std::size_t at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at + 2)) {
      const std::string_view line = std::string_view(text).substr(at + 2, text.find("\r\n", at + 2) - at - 2);
      const auto colon = line.find(": ");
      if (colon != std::string_view::npos && equal_ignoring_case(line.substr(0, colon), name))
        found.emplace_back(line.substr(colon + 2));
    }
    return found;
  }
};

head head_of(const ticket& t, std::string_view content_type = "image/png", std::uint64_t size = 5) {
  head h;
  h.refusal = append_put_head(h.text, t, content_type, size);
  return h;
}

using strings = std::vector<std::string>;

// The head of a PUT: the target byte for byte, Host, Content-Length and Content-Type once, no framing but the length.
TEST(put_head, plain) {
  const head h = head_of(ticket_for("https://S3.example/a%2fb/../c?X-Amz-Signature=%2B&x"));
  EXPECT_EQ(h.refusal, "");
  EXPECT_TRUE(h.text.starts_with("PUT /a%2fb/../c?X-Amz-Signature=%2B&x HTTP/1.1\r\n")) << h.text;
  EXPECT_TRUE(h.text.ends_with("\r\n\r\n"));
  EXPECT_EQ(h.text.find("\r\n\r\n"), h.text.size() - 4);
  EXPECT_EQ(h.values("host"), strings{"s3.example"});
  EXPECT_EQ(h.values("content-length"), strings{"5"});
  EXPECT_EQ(h.values("content-type"), strings{"image/png"});
  for (const char* name : {"transfer-encoding", "expect", "x-api-key", "connection", "authorization"})
    EXPECT_TRUE(h.values(name).empty()) << name;
  EXPECT_EQ(h.text.find("x-amz-"), std::string::npos) << "S3 refuses any that is not signed";
}

struct size_case {
  std::uint64_t size;
  const char* expected;
};

// Content-Length is there also for nothing, and exact for as much as there can be.
TEST(put_head, length) {
  for (const auto& c :
       {size_case{0, "0"}, {1, "1"}, {104'857'600, "104857600"}, {18446744073709551615u, "18446744073709551615"}})
    EXPECT_EQ(head_of(ticket_for("https://h/"), "a/b", c.size).values("Content-Length"), strings{c.expected});
}

struct authority_case {
  const char *url, *expected;
};

// Host names the port unless it is the scheme's own, and an IPv6 address in brackets.
TEST(put_head, host) {
  for (const auto& c : {authority_case{"https://h:443/", "h"},
                        {"https://h:8443/", "h:8443"},
                        {"http://h/", "h"},
                        {"http://h:443/", "h:443"},
                        {"https://[::1]:9/", "[::1]:9"},
                        {"https://[::1]/", "[::1]"}})
    EXPECT_EQ(head_of(ticket_for(c.url)).values("Host"), strings{c.expected});
}

// Required headers go out verbatim: spelling, value, order.
TEST(put_head, required_headers_verbatim) {
  const head h = head_of(ticket_for("https://h/", {{"X-Amz-Meta-File-ID", "3F2c"}, {"x-b", ""}, {"x-c", "a  b, c"}}));
  EXPECT_EQ(h.refusal, "");
  const auto first = h.text.find("\r\nX-Amz-Meta-File-ID: 3F2c\r\n"), second = h.text.find("\r\nx-b: \r\n"),
             third = h.text.find("\r\nx-c: a  b, c\r\n");
  ASSERT_NE(first, std::string::npos);
  ASSERT_NE(second, std::string::npos);
  ASSERT_NE(third, std::string::npos);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

struct contradiction_case {
  const char* name;
  header required;
  bool accepted;
};

// Host and Content-Length in required_headers pass when equal to what we send, once; otherwise the file fails.
TEST(put_head, host_and_length_must_agree) {
  const contradiction_case cases[] = {
      {"same host", {"Host", "s3.example:9000"}, true},
      {"host in capitals", {"HOST", "S3.Example:9000"}, true},
      {"other host", {"Host", "evil.example"}, false},
      {"host without port", {"Host", "s3.example"}, false},
      {"empty host", {"Host", ""}, false},
      {"same length", {"content-length", "5"}, true},
      {"other length", {"Content-Length", "6"}, false},
      {"leading zero", {"Content-Length", "05"}, false},
      {"plus", {"Content-Length", "+5"}, false},
      {"empty length", {"Content-Length", ""}, false},
      {"list", {"Content-Length", "5, 5"}, false},
  };
  for (const auto& c : cases) {
    const head h = head_of(ticket_for("https://s3.example:9000/", {c.required}));
    EXPECT_EQ(h.refusal.empty(), c.accepted) << c.name << ": " << h.refusal;
    if (!c.accepted) continue;
    EXPECT_EQ(h.values("Host"), strings{"s3.example:9000"}) << c.name;
    EXPECT_EQ(h.values("Content-Length"), strings{"5"}) << c.name;
  }
}

// A different Content-Type wins over ours, since it is what was signed, and is sent once in any spelling.
TEST(put_head, signed_content_type_wins) {
  for (const char* name : {"Content-Type", "content-type", "CONTENT-TYPE"})
    for (const char* value : {"image/png", "application/octet-stream", ""})
      EXPECT_EQ(head_of(ticket_for("https://h/", {{name, value}})).values("Content-Type"), strings{value}) << name;
}

// A required header of a name that we send ourselves is sent once, with the signed value.
TEST(put_head, regression_no_header_twice) {
  const head h = head_of(ticket_for("https://h/", {{"User-Agent", "signer/1"}}));
  EXPECT_EQ(h.values("User-Agent"), strings{"signer/1"});
}

// The head is appended: what stands before it stays.
TEST(put_head, appends) {
  std::string out = "before";
  EXPECT_EQ(append_put_head(out, ticket_for("https://h/"), "a/b", 1), "");
  EXPECT_TRUE(out.starts_with("beforePUT / HTTP/1.1\r\n"));
}

} // namespace
} // namespace hoist::wire
