#include "wire/url.hpp"

#include <gtest/gtest.h>

#include <string>

namespace hoist::wire {
namespace {

using namespace std::string_view_literals;

struct accepted_case {
  std::string_view input, host;
  std::uint16_t port;
  std::string_view target, authority;
};

// What we may connect to is read into an origin and the signed bytes of path and query, which stay as they were.
TEST(url, accepted) {
  const accepted_case cases[] = {
      {"https://h", "h", 443, "/", "h"},
      {"https://h/", "h", 443, "/", "h"},
      {"https://h?x=1", "h", 443, "/?x=1", "h"},
      {"https://h/?", "h", 443, "/?", "h"},
      {"https://H.Example.COM/Path", "h.example.com", 443, "/Path", "h.example.com"},
      {"HTTPS://h/a", "h", 443, "/a", "h"},
      {"https://h:443/a", "h", 443, "/a", "h"},
      {"https://h:/a", "h", 443, "/a", "h"},
      {"https://h:8443/a", "h", 8443, "/a", "h:8443"},
      {"https://h:65535/", "h", 65535, "/", "h:65535"},
      {"http://h/a", "h", 80, "/a", "h"},
      {"http://h:443/a", "h", 443, "/a", "h:443"},
      {"https://127.0.0.1:9000/a", "127.0.0.1", 9000, "/a", "127.0.0.1:9000"},
      {"https://[::1]/a", "::1", 443, "/a", "[::1]"},
      {"https://[2001:DB8::1]:9000/a", "2001:db8::1", 9000, "/a", "[2001:db8::1]:9000"},
      {"https://h/a/../b//c/./d", "h", 443, "/a/../b//c/./d", "h"},
      {"https://h/%2f%2F%41~%7E+%20?a=%2b&a=&&b;c=/?:@", "h", 443, "/%2f%2F%41~%7E+%20?a=%2b&a=&&b;c=/?:@", "h"},
      {"https://bucket.s3.amazonaws.com/k?X-Amz-Signature=ab", "bucket.s3.amazonaws.com", 443, "/k?X-Amz-Signature=ab",
       "bucket.s3.amazonaws.com"},
  };
  for (const auto& c : cases) {
    url u;
    EXPECT_EQ(parse_url(c.input, u), "") << c.input;
    EXPECT_EQ(u.where.host, c.host) << c.input;
    EXPECT_EQ(u.where.port, c.port) << c.input;
    EXPECT_EQ(u.target, c.target) << c.input;
    EXPECT_EQ(u.where.authority(), c.authority) << c.input;
  }
}

struct refused_case {
  const char* name;
  std::string_view input;
};

// Every hostile form is refused: other schemes, user information, fragments, spaces, controls, encoded hosts, bad
// ports.
TEST(url, refused) {
  const refused_case cases[] = {
      {"empty", ""},
      {"no scheme", "h/a"},
      {"scheme-relative", "//h/a"},
      {"path only", "/a"},
      {"file", "file:///etc/passwd"},
      {"ftp", "ftp://h/a"},
      {"javascript", "javascript:alert(1)"},
      {"data", "data:text/plain,x"},
      {"https-like scheme", "httpsx://h/"},
      {"no authority", "https:h/a"},
      {"one slash", "https:/h/a"},
      {"no host", "https:///a"},
      {"port and no host", "https://:443/a"},
      {"user", "https://u@h/a"},
      {"user and password", "https://u:p@h/a"},
      {"empty user", "https://@h/a"},
      {"host that looks like a user", "https://good.example@evil.example/a"},
      {"fragment", "https://h/a#f"},
      {"empty fragment", "https://h/a#"},
      {"fragment that hides a host", "https://good.example#@evil.example/"},
      {"space in the path", "https://h/a b"},
      {"space in the query", "https://h/a?b c"},
      {"space in the host", "https://h h/a"},
      {"space before", " https://h/a"},
      {"space behind", "https://h/a "},
      {"CR LF", "https://h/a\r\nX-Evil: 1"},
      {"LF in the host", "https://h\n/a"},
      {"tab", "https://h/\ta"},
      {"NUL", "https://h/a\0b"sv},
      {"ESC", "https://h/\x1b[0m"},
      {"DEL", "https://h/\x7f"},
      {"C1", "https://h/\xc2\x9b"},
      {"above ASCII", "https://h/\xc3\xa9"},
      {"host above ASCII", "https://h\xc3\xa9/"},
      {"encoded slash in the host", "https://example.com%2F10.0.0.1/"},
      {"encoded dot in the host", "https://127%2e0.0.1/"},
      {"encoded NUL in the host", "https://h%00.example/"},
      {"backslash", "https://good.example\\@evil.example/"},
      {"backslash path", "https:\\\\h\\a"},
      {"quotes", "https://h/\"a\""},
      {"angle brackets", "https://h/<a>"},
      {"braces", "https://h/{a}"},
      {"pipe", "https://h/a|b"},
      {"caret", "https://h/a^b"},
      {"bad percent", "https://h/%zz"},
      {"cut percent", "https://h/%4"},
      {"port 0", "https://h:0/a"},
      {"port 65536", "https://h:65536/a"},
      {"huge port", "https://h:99999999999999999999/a"},
      {"open bracket", "https://[::1/a"},
      {"no IPv6", "https://[x]/a"},
      {"IPv6 without brackets", "https://::1/a"},
      {"zone", "https://[fe80::1%25eth0]/a"},
      {"raw zone", "https://[fe80::1%eth0]/a"},
  };
  for (const auto& c : cases) {
    url u;
    EXPECT_NE(parse_url(c.input, u), "") << c.name;
  }
}

// What stands between the host and the path is a port and nothing else: leftovers do not become part of the path.
TEST(url, regression_junk_behind_the_authority) {
  const refused_case cases[] = {
      {"negative port", "https://h:-1/a"},
      {"port is a name", "https://h:https/a"},
      {"two ports", "https://h:1:2/a"},
      {"letters behind the port", "https://h:12a/b"},
      {"a second host", "https://good.example:evil.example/a"},
      {"a host behind an address", "https://[::1]evil.example/a"},
      {"a port of letters behind an address", "https://[::1]:x/a"},
  };
  for (const auto& c : cases) {
    url u;
    EXPECT_NE(parse_url(c.input, u), "") << c.name;
  }
}

// "[v1.name]" is an address of a kind nobody has: read without its brackets it would be a name to look up.
TEST(url, regression_future_ip_literals) {
  url u;
  EXPECT_NE(parse_url("https://[v1.evil.example]/a", u), "");
}

// Numbers that resolvers take for addresses pass here; where they lead is judged when connecting.
TEST(url, odd_numbers_stay_as_they_are) {
  for (std::string_view host : {"2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0"}) {
    url u;
    if (!parse_url("https://" + std::string(host) + "/a", u).empty()) continue; // refused is as good
    EXPECT_EQ(u.where.host, host);
  }
}

// 8 KiB pass, one byte more does not, and a megabyte is refused without being read.
TEST(url, length) {
  const std::string base = "https://h/";
  url u;
  EXPECT_EQ(parse_url(base + std::string(url_bytes_max - base.size(), 'a'), u), "");
  EXPECT_NE(parse_url(base + std::string(url_bytes_max - base.size() + 1, 'a'), u), "");
  EXPECT_NE(parse_url(base + std::string(1 << 20, 'a'), u), "");
}

// A reason never contains the URL.
TEST(url, reasons_are_silent) {
  for (std::string_view text :
       {"ftp://h/CANARY", "https://CANARY@h/", "https://h/CANARY#", "https://h:0/CANARY", "CANARY"}) {
    url u;
    EXPECT_EQ(parse_url(text, u).find("CANARY"), std::string_view::npos) << text;
  }
}

// A `url` is reused: nothing of the one before stays.
TEST(url, reused) {
  url u;
  ASSERT_EQ(parse_url("http://long.example.com:8080/long/path?query", u), "");
  ASSERT_EQ(parse_url("https://h", u), "");
  EXPECT_EQ(u.where, (origin{scheme::https, "h", 443}));
  EXPECT_EQ(u.target, "/");
  EXPECT_EQ(u.where.text(), "https://h");
}

struct query_case {
  const char* name;
  std::string_view target, wanted;
  std::optional<std::string_view> expected;
};

// A query's value is found by its whole name and returned as it stands.
TEST(url, query_value) {
  const query_case cases[] = {
      {"only", "/a?x=1", "x", "1"},
      {"second", "/a?x=1&y=2", "y", "2"},
      {"encoded", "/a?x=%2F", "x", "%2F"},
      {"equals inside", "/a?x=1=2", "x", "1=2"},
      {"empty", "/a?x=", "x", ""},
      {"no equals", "/a?x&y=2", "x", ""},
      {"no equals at the end", "/a?y=2&x", "x", ""},
      {"empty pairs", "/a?&&x=1&", "x", "1"},
      {"absent", "/a?x=1", "y", {}},
      {"longer name", "/a?xx=1", "x", {}},
      {"suffix", "/a?ax=1", "x", {}},
      {"letters' case", "/a?X=1", "x", {}},
      {"in the path", "/x=1", "x", {}},
      {"no query", "/a", "x", {}},
      {"empty query", "/a?", "x", {}},
      {"in a value", "/a?y=x=1", "x", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(query_value(c.target, c.wanted), c.expected) << c.name;
}

// A public URL is http(s), without spaces and control characters, at most 8 KiB.
TEST(url, public_url) {
  for (std::string_view text : {"https://cdn.example/a.png", "http://127.0.0.1:9000/a?b#c", "https://h/%20"})
    EXPECT_EQ(refuse_public_url(text), "") << text;
  const refused_case cases[] = {
      {"empty", ""},
      {"relative", "/a"},
      {"javascript", "javascript:alert(1)"},
      {"file", "file:///a"},
      {"space", "https://h/a b"},
      {"LF", "https://h/a\nb"},
      {"CR", "https://h/\r"},
      {"ESC", "https://h/\x1b"},
      {"NUL", "https://h/\0"sv},
      {"DEL", "https://h/\x7f"},
      {"tab", "https://h/\t"},
      {"space before", " https://h"},
  };
  for (const auto& c : cases) EXPECT_NE(refuse_public_url(c.input), "") << c.name;
  EXPECT_NE(refuse_public_url("https://h/" + std::string(url_bytes_max, 'a')), "");
}

// C1 controls are control characters too: a terminal acts on U+009B as on ESC [.
TEST(url, regression_c1_in_a_public_url) {
  EXPECT_NE(refuse_public_url("https://h/\xc2\x9b"
                              "31m"),
            "");
  EXPECT_NE(refuse_public_url("https://h/\x9b"), "");
}

// A reader that remembers an origin reads whatever follows as one that remembers nothing: same verdict, same parts.
TEST(url, remembered_origins_change_nothing) {
  const std::string_view firsts[] = {"https://h:8443/a?b=%2F", "https://H/x", "http://h", "https://[::1]:9000/",
                                     "https://h?q=/"};
  const std::string_view seconds[] = {
      "https://h:8443/a",
      "https://h:8443",
      "https://h:8443?x",
      "https://h:84430/a",
      "https://h:8443@evil/a",
      "https://h:8443/a#f",
      "https://h:8443/a b",
      "https://h:8443/%4",
      "https://h:8443/%",
      "https://h:8443/%zz",
      "https://h:8443/%41%2f",
      "https://h:8443/a?b?c/d:@!$&'()*+,;=-._~",
      "https://h:8443/a\"b",
      "https://h:8443/a[1]",
      "https://h:8443/\x80",
      "https://h:8443/a\r\nb",
      "https://h:8443/a\\b",
      "https://h:8443/{a}",
      "https://h:8443/a|b^`",
      "https://H/x",
      "https://h/x",
      "https://H.evil/x",
      "http://h/a",
      "http://h.evil/",
      "http://hevil",
      "https://[::1]:9000/k?v=1",
      "https://[::1]:9000",
      "https://h/?q=/",
  };
  for (const auto first : firsts)
    for (const auto second : seconds) {
      url_reader remembering;
      url primed, u, expected;
      EXPECT_EQ(remembering.parse(first, primed), "") << first;
      const auto verdict = parse_url(second, expected);
      EXPECT_EQ(remembering.parse(second, u), verdict) << first << " then " << second;
      if (!verdict.empty()) continue;
      EXPECT_EQ(u.where, expected.where) << first << " then " << second;
      EXPECT_EQ(u.target, expected.target) << first << " then " << second;
    }
}

// The limit of 8 KiB holds for a remembered origin as well.
TEST(url, remembered_origins_keep_the_limit) {
  url_reader remembering;
  url u;
  EXPECT_EQ(remembering.parse("https://h/", u), "");
  const std::string most(url_bytes_max - 10, 'a');
  EXPECT_EQ(remembering.parse("https://h/" + most, u), "");
  EXPECT_NE(remembering.parse("https://h/" + most + "a", u), "");
}

} // namespace
} // namespace hoist::wire
