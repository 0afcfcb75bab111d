#include "wire/head_request.hpp"

#include <hoist/version.hpp>

#include <gtest/gtest.h>

namespace hoist::wire {
namespace {

// The whole request, byte for byte: target and Host as in the URL, and nothing that tells who asks. No key in
// particular.
TEST(head_request, whole) {
  struct {
    const char *url, *target, *host;
  } const cases[] = {{"https://CDN.example/a%2fb/../c?x=%2B&y", "/a%2fb/../c?x=%2B&y", "cdn.example"},
                     {"https://h", "/", "h"},
                     {"http://h:8080/f", "/f", "h:8080"},
                     {"https://[::1]:9/f", "/f", "[::1]:9"}};
  for (const auto& c : cases) {
    url u;
    ASSERT_EQ(parse_url(c.url, u), "") << c.url;
    std::string out = "before";
    append_head_request(out, u);
    EXPECT_EQ(out, "beforeHEAD " + std::string(c.target) + " HTTP/1.1\r\nHost: " + c.host + "\r\nUser-Agent: hoist/" +
                       version() + "\r\n\r\n");
  }
}

} // namespace
} // namespace hoist::wire
