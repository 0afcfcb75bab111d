// Arguments and variables to options; every complaint names its flag.
#include "server/api/options.hpp"

#include <cstdlib>

#include <gtest/gtest.h>

namespace hoist::server {
namespace {

server_options parsed(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "hoist-server");
  return std::get<server_options>(parse_options(static_cast<int>(arguments.size()), arguments.data()));
}

std::string complaint(const std::vector<const char*>& arguments) {
  try {
    (void)parsed(arguments);
  } catch (const usage_error& error) {
    return error.what();
  }
  return "";
}

// Without a flag everything has the contract's default.
TEST(options, defaults) {
  const auto o = parsed({});
  EXPECT_EQ(o.bind, "127.0.0.1");
  EXPECT_EQ(o.port, 0);
  EXPECT_FALSE(o.own_storage_port);
  EXPECT_EQ(o.url_lifetime, std::chrono::seconds{900});
  EXPECT_EQ(o.retention, std::chrono::hours{24 * 180});
  EXPECT_EQ(o.size_max, 104'857'600U);
  EXPECT_EQ(o.expires_at, expires_at_means::url);
}

// A value is read in its unit; a lifetime below a second is rounded up, because a URL counts in seconds.
TEST(options, values) {
  const auto o = parsed({"--port", "8443", "--storage-port", "0", "--url-lifetime", "10ms", "--bandwidth", "50MB/s",
                         "--expires-at", "retention", "--discard", "--digest", "none", "--put-delay", "5ms"});
  EXPECT_EQ(o.port, 8443);
  EXPECT_TRUE(o.own_storage_port);
  EXPECT_EQ(o.url_lifetime, std::chrono::seconds{1});
  EXPECT_EQ(o.bandwidth, 50'000'000U);
  EXPECT_EQ(o.expires_at, expires_at_means::retention);
  EXPECT_EQ(o.digest, digest_kind::none);
  EXPECT_EQ(o.put_delay, std::chrono::milliseconds{5});
}

// What cannot be used is refused with the flag, the reason and the remedy.
TEST(options, refusals) {
  const struct {
    std::vector<const char*> arguments;
    const char* complaint;
  } cases[] = {
      {{"--port", "65536"}, "--port '65536': not a whole number in range; give one from 0 to 65535"},
      {{"--port", "x"}, "--port 'x': not a whole number in range; give one from 0 to 65535"},
      {{"--bind", "0.0.0.0"},
       "--bind '0.0.0.0': other machines could reach it; use a loopback address, or add --allow-public-bind if that is "
       "what you want"},
      {{"--bind", "here"}, "--bind 'here': not an IP address; give one such as 127.0.0.1 or ::1"},
      {{"--url-lifetime", "5x"},
       "--url-lifetime '5x': not a duration; write a number and ms, s, m, h or d, like 15m (a bare number is seconds)"},
      {{"--url-lifetime", "0"}, "--url-lifetime '0': out of range; give 1 to 604800 seconds"},
      {{"--digest", "crc"}, "--digest 'crc': unknown; choose one of none, md5, sha256"},
      {{"--digest", "none"},
       "--digest 'none': stored objects need the MD5 that is their ETag; add --discard or drop it"},
      {{"--cert", "a.pem"}, "--key 'a.pem': half of a pair; give --cert and --key together"},
      {{"--bandwidth", "50MB"}, "--bandwidth '50MB': not a rate; write a size per second, like 50MB/s"},
  };
  for (const auto& [arguments, expected] : cases) {
    EXPECT_EQ(complaint(arguments), expected) << arguments.front() << ' ' << arguments.back();
  }
  EXPECT_NE(complaint({"--no-such-flag"}), "");
}

// Each flag reads its variable, and a flag that is given wins.
TEST(options, variables) {
  ::setenv("HOIST_SERVER_URL_LIFETIME", "7s", 1);
  ::setenv("HOIST_SERVER_DISCARD", "1", 1);
  EXPECT_EQ(parsed({}).url_lifetime, std::chrono::seconds{7});
  EXPECT_TRUE(parsed({}).discard);
  EXPECT_EQ(parsed({"--url-lifetime", "9s"}).url_lifetime, std::chrono::seconds{9});
  ::unsetenv("HOIST_SERVER_URL_LIFETIME");
  ::unsetenv("HOIST_SERVER_DISCARD");
}

} // namespace
} // namespace hoist::server
