#include "wire/header_rules.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hoist::wire {
namespace {

using namespace std::string_literals;

constexpr std::string_view key = "secret-key-123";

struct header_case {
  const char* name;
  std::vector<header> headers;
};

// What presigners really send passes, also empty values, any bytes above ASCII, and the three names compared later.
TEST(header_rules, accepted) {
  const header_case cases[] = {
      {"none", {}},
      {"the contract's example", {{"x-amz-meta-file-id", "3f2c"}}},
      {"type, host, length", {{"Content-Type", "image/png"}, {"Host", "h"}, {"content-length", "5"}}},
      {"empty value", {{"x-a", ""}}},
      {"spaces inside", {{"x-a", "a  b"}}},
      {"all token characters", {{"!#$%&'*+-.^_`|~09azAZ", "v"}}},
      {"bytes above ASCII", {{"x-a", "żółć"}}},
      {"conditional", {{"If-None-Match", "*"}}},
      {"names that only begin so", {{"x-te", "1"}, {"connection-id", "1"}, {"proxying", "1"}, {"hosts", "1"}}},
  };
  for (const auto& c : cases) EXPECT_EQ(refuse_headers(c.headers, key), "") << c.name;
}

// Anything that could change the framing, smuggle a line or carry the key is refused, in any case of letters.
TEST(header_rules, refused) {
  const header_case cases[] = {
      {"CR LF in a value", {{"x-a", "1\r\nX-Evil: 2"}}},
      {"CR", {{"x-a", "1\r2"}}},
      {"LF", {{"x-a", "1\n2"}}},
      {"obsolete fold", {{"x-a", "1\r\n 2"}}},
      {"NUL", {{"x-a", "1\0002"s}}},
      {"ESC", {{"x-a", "\x1b[0m"}}},
      {"DEL", {{"x-a", "\x7f"}}},
      {"vertical tab",
       {{"x-a", "a\x0b"
                "b"}}},
      {"space before", {{"x-a", " 1"}}},
      {"space behind", {{"x-a", "1 "}}},
      {"tab behind", {{"x-a", "1\t"}}},
      {"empty name", {{"", "1"}}},
      {"space in a name", {{"x a", "1"}}},
      {"colon in a name", {{"x-a:", "1"}}},
      {"CR LF in a name", {{"x-a\r\nx-b", "1"}}},
      {"NUL in a name", {{"x-a\0"s, "1"}}},
      {"name above ASCII", {{"x-ä", "1"}}},
      {"slash in a name", {{"x/a", "1"}}},
      {"HTTP/2 pseudo header", {{":authority", "h"}}},
      {"Transfer-Encoding", {{"Transfer-Encoding", "chunked"}}},
      {"transfer-encoding", {{"transfer-encoding", "identity"}}},
      {"Connection", {{"cOnNeCtIoN", "close"}}},
      {"Expect", {{"Expect", "100-continue"}}},
      {"TE", {{"te", "trailers"}}},
      {"Upgrade", {{"Upgrade", "h2c"}}},
      {"Trailer", {{"Trailer", "x"}}},
      {"Keep-Alive", {{"Keep-Alive", "timeout=5"}}},
      {"Proxy-Authorization", {{"Proxy-Authorization", "x"}}},
      {"proxy-connection", {{"proxy-connection", "x"}}},
      {"Proxy- and nothing", {{"PROXY-", "x"}}},
      {"our key's header", {{"X-API-Key", "x"}}},
      {"the key itself", {{"x-a", "secret-key-123"}}},
      {"the key inside", {{"x-a", "Bearer secret-key-123;"}}},
      {"twice", {{"x-a", "1"}, {"x-a", "1"}}},
      {"twice in other letters", {{"x-a", "1"}, {"x-b", "1"}, {"X-A", "1"}}},
      {"Host twice", {{"Host", "h"}, {"host", "h"}}},
      {"Content-Type twice", {{"Content-Type", "a/b"}, {"content-type", "a/b"}}},
      {"a bad one behind good ones", {{"x-a", "1"}, {"x-b", "2"}, {"x-c", "\n"}}},
  };
  for (const auto& c : cases) EXPECT_NE(refuse_headers(c.headers, key), "") << c.name;
}

// Every control character is refused wherever it stands in a value; TAB is judged by HTTP's own grammar.
TEST(header_rules, every_control_character) {
  for (int c = 0; c < 0x80; ++c) {
    if (c == '\t' || (c >= 0x20 && c != 0x7f)) continue;
    const std::vector<header> headers{{"x-a", "a" + std::string(1, static_cast<char>(c)) + "b"}};
    EXPECT_NE(refuse_headers(headers, key), "") << c;
  }
}

// A header's name is sent to the storage as well: the key may not stand there either.
TEST(header_rules, regression_the_key_as_a_name) {
  const std::vector<header> headers{{"secret-key-123", "1"}};
  EXPECT_NE(refuse_headers(headers, key), "");
}

// At most 32 headers, at most 8 KiB of names and values together.
TEST(header_rules, limits) {
  std::vector<header> many;
  for (int i = 0; i < 32; ++i) many.push_back({"x-" + std::to_string(i), "v"});
  EXPECT_EQ(refuse_headers(many, key), "");
  many.push_back({"x-32", "v"});
  EXPECT_NE(refuse_headers(many, key), "");
  const auto of_bytes = [](std::size_t bytes) { return std::vector<header>{{"x-a", std::string(bytes - 3, 'v')}}; };
  EXPECT_EQ(refuse_headers(of_bytes(8192), key), "");
  EXPECT_NE(refuse_headers(of_bytes(8193), key), "");
  EXPECT_NE(refuse_headers(of_bytes(70'000), key), "");
  const std::vector<header> long_name{{std::string(8192, 'n'), "v"}};
  EXPECT_NE(refuse_headers(long_name, key), "");
  EXPECT_NE(refuse_headers(std::vector<header>(100'000, header{"x", "y"}), key), "");
}

// Without a key nothing contains it.
TEST(header_rules, no_key) {
  const std::vector<header> headers{{"x-a", "v"}};
  EXPECT_EQ(refuse_headers(headers, ""), "");
}

} // namespace
} // namespace hoist::wire
