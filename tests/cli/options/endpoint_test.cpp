#include "cli/options/endpoint.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hoist::cli {
namespace {

struct url_case {
  const char* name;
  const char* input;
  const char* host; ///< empty: refused
  int port;
};

// Loopback is a whole address, or localhost by that very name, as the library has it too: "127.example.com" is
// somebody's machine, a DNS server may be asked about "a.localhost", and a key sent in clear is a key that everybody
// has.
TEST(endpoint, regression_names_that_begin_like_loopback) {
  for (const char* url : {"http://127.0.0.1", "http://127.255.255.254:80", "http://localhost", "http://[::1]:80"})
    EXPECT_TRUE(parse_endpoint(url)->loopback) << url;
  for (const char* url : {"http://127.example.com", "http://127.0.0.1.example.com", "http://127.", "http://127.1.a",
                          "http://128.0.0.1", "http://localhost.example", "http://a.localhost"})
    EXPECT_FALSE(parse_endpoint(url)->loopback) << url;
}

// An endpoint is an origin and nothing else.
TEST(endpoint, origins) {
  const url_case cases[] = {
      {"https", "https://api.eachlabs.ai", "api.eachlabs.ai", 443},
      {"port", "https://h:8443", "h", 8443},
      {"http", "http://h", "h", 80},
      {"case", "HTTPS://Api.Example", "api.example", 443},
      {"IPv6", "https://[::1]:9000", "::1", 9000},
      {"IPv6 with more behind it", "https://[::1]junk", "", 0},
      {"path", "https://h/v1", "", 0},
      {"user", "https://u@h", "", 0},
      {"query", "https://h?x", "", 0},
      {"no scheme", "h", "", 0},
      {"other scheme", "ftp://h", "", 0},
      {"no host", "https://", "", 0},
      {"port zero", "https://h:0", "", 0},
      {"empty port", "https://h:", "", 0},
      {"port too large", "https://h:65536", "", 0},
  };
  for (const auto& c : cases) {
    const auto parts = parse_endpoint(c.input);
    EXPECT_EQ(parts ? parts->host : "", c.host) << c.name;
    if (parts) {
      EXPECT_EQ(parts->port, c.port) << c.name;
    }
  }
}

struct exempt_case {
  const char* name;
  const char* no_proxy;
  bool expected;
};

// NO_PROXY names hosts and domains; what only looks like a suffix is another host.
TEST(endpoint, no_proxy) {
  const exempt_case cases[] = {
      {"all", "*", true},
      {"host", "api.example.com", true},
      {"domain", "example.com", true},
      {"dotted domain", ".example.com", true},
      {"starred domain", "*.example.com", true},
      {"second of several, with space", "localhost, example.com", true},
      {"case", "EXAMPLE.com", true},
      {"port", "example.com:443", true},
      {"other port", "example.com:444", false},
      {"other host", "example.org", false},
      {"half a label", "ample.com", false},
      {"empty entries", ",,", false},
  };
  const auto endpoint = *parse_endpoint("https://api.example.com");
  for (const auto& c : cases) EXPECT_EQ(is_exempt(endpoint, c.no_proxy), c.expected) << c.name;
}

// Each scheme has its variables, in both cases.
TEST(endpoint, proxy_variables) {
  const auto named = [](const char* url, const std::string& variable) {
    const auto proxy =
        proxy_in_the_way(*parse_endpoint(url), [&](const std::string& name) -> std::optional<std::string> {
          if (name == variable) return "http://p";
          return std::nullopt;
        });
    return proxy ? proxy->variable : "";
  };
  EXPECT_EQ(named("https://h", "https_proxy"), "https_proxy");
  EXPECT_EQ(named("https://h", "ALL_PROXY"), "ALL_PROXY");
  EXPECT_EQ(named("https://h", "HTTP_PROXY"), "");
  EXPECT_EQ(named("http://h", "HTTP_PROXY"), "HTTP_PROXY");
  EXPECT_EQ(named("http://h", "HTTPS_PROXY"), "");
  EXPECT_EQ(named("https://127.0.0.1", "HTTPS_PROXY"), "HTTPS_PROXY") << "never ignored, not even here";
}

} // namespace
} // namespace hoist::cli
