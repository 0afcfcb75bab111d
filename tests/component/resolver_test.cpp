// Names to addresses: when the name service is asked, and what is remembered of what connecting found out.

#include "denied_calls.hpp"
#include "name_service.hpp"
#include "net_client.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>
#include <thread>

namespace hoist::net {
namespace {

using namespace std::chrono_literals;
using test::name_service;
using test::run;
using wire::scheme;

const error_code not_shut;

resolver::time_point now_of_the_test;
resolver::time_point told_now() {
  return now_of_the_test;
}

/// A resolver whose clock stands still until the test moves it.
class name_cache : public testing::Test {
 protected:
  void SetUp() override {
    now_of_the_test = resolver::time_point(1h);
    name_service::set("three.test", {"127.0.0.1", "127.0.0.2", "127.0.0.3"});
  }

  addresses look_up(const wire::origin& of) {
    why = {};
    return run(io, names.resolve(of, not_shut, why));
  }

  static tcp::endpoint at(const std::string& host, std::uint16_t port = 8443) {
    return {asio::ip::make_address(host), port};
  }

  asio::io_context io{1};
  resolver names{io.get_executor(), &told_now};
  failure why;
  const wire::origin three{scheme::https, "three.test", 8443};
};

// An API may give each file a host of its own: what is remembered is bounded. (regression)
TEST_F(name_cache, remembers_so_many_names) {
  for (int i = 0; i < 600; ++i) {
    const auto name = "n" + std::to_string(i) + ".test";
    name_service::set(name, {"127.0.0.1"});
    EXPECT_FALSE(look_up({scheme::https, name, 8443}).empty());
  }
  EXPECT_LE(names.names_known(), 256u);
}

// A literal address is taken as it stands; nobody is asked, and nothing is remembered of it.
TEST_F(name_cache, a_literal_is_never_looked_up) {
  const int before = name_service::lookups();
  for (const std::string host : {"127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"}) {
    const wire::origin of{scheme::https, host, 8443};
    names.mark_bad(of, at(host));
    names.distrust(of);
    EXPECT_EQ(look_up(of), addresses{at(host)});
    EXPECT_FALSE(why);
  }
  EXPECT_EQ(name_service::lookups(), before);
}

// The first look-up starts a thread. Where none is to be had the name is one that cannot be looked up now, and is asked
// about again. (regression: its file waited for ever)
TEST_F(name_cache, regression_without_a_thread) {
  bool denied = false;
  addresses found;
  std::thread([&] {
    denied = test::deny_calls({SYS_clone, SYS_clone3}, EAGAIN);
    found = look_up(three);
  }).join();
  if (!denied) GTEST_SKIP() << "no seccomp filter can be installed here";
  EXPECT_TRUE(found.empty());
  EXPECT_EQ(why.kind, failure_kind::resolve);
  now_of_the_test += 2s;
  EXPECT_EQ(look_up(three).size(), 3u);
}

// A name is asked for once and remembered, for many connections at once as well, and each begins with another address.
TEST_F(name_cache, a_name_is_asked_for_once) {
  const int before = name_service::lookups();
  std::vector<addresses> found;
  std::vector<failure> reasons(5);
  for (auto& reason : reasons)
    asio::co_spawn(io, names.resolve(three, not_shut, reason),
                   [&](std::exception_ptr, addresses list) { found.push_back(std::move(list)); });
  ASSERT_TRUE(test::run_until(io, [&] { return found.size() == 5; }));
  std::map<tcp::endpoint, int> first;
  for (const auto& list : found) {
    ASSERT_EQ(list.size(), 3u);
    ++first[list.front()];
  }
  ++first[look_up(three).front()];
  for (const char* host : {"127.0.0.1", "127.0.0.2", "127.0.0.3"}) EXPECT_EQ(first[at(host)], 2) << host;
  EXPECT_EQ(name_service::lookups(), before + 1);
}

// What was found is good for a minute, and then asked for again.
TEST_F(name_cache, a_minute_old_is_old) {
  EXPECT_EQ(look_up(three).size(), 3u);
  name_service::set("three.test", {"127.0.0.4"});
  now_of_the_test += 60s - 1ns;
  EXPECT_EQ(look_up(three).size(), 3u);
  now_of_the_test += 1ns;
  EXPECT_EQ(look_up(three), addresses{at("127.0.0.4")});
}

// A name without an address is told by name, and asked for again after a second.
TEST_F(name_cache, nothing_found_is_asked_for_again_soon) {
  name_service::set("none.test", {});
  const wire::origin of{scheme::https, "none.test", 8443};
  const int before = name_service::lookups();
  for (const auto later : {0ms, 999ms}) {
    now_of_the_test += later;
    EXPECT_TRUE(look_up(of).empty());
    EXPECT_EQ(why.kind, failure_kind::resolve);
    EXPECT_NE(why.text.find("none.test"), std::string::npos) << why.text;
  }
  EXPECT_EQ(name_service::lookups(), before + 1);
  name_service::set("none.test", {"127.0.0.1"});
  now_of_the_test += 1ms;
  EXPECT_EQ(look_up(of), addresses{at("127.0.0.1")});
  EXPECT_FALSE(why);
}

// A bad address is the last for 30 s, whatever the name service says in between; a success makes it good again.
TEST_F(name_cache, a_bad_address_is_the_last) {
  look_up(three);
  names.mark_bad(three, at("127.0.0.2"));
  now_of_the_test += 1s;
  names.distrust(three); // has it looked up anew
  for (int turn = 0; turn < 3; ++turn) EXPECT_EQ(look_up(three).back(), at("127.0.0.2"));
  names.mark_good(three, at("127.0.0.2"));
  std::set<tcp::endpoint> last;
  for (int turn = 0; turn < 3; ++turn) last.insert(look_up(three).back());
  EXPECT_EQ(last.size(), 3u);
  names.mark_bad(three, at("127.0.0.2"));
  now_of_the_test += 30s;
  last.clear();
  for (int turn = 0; turn < 3; ++turn) last.insert(look_up(three).back());
  EXPECT_EQ(last.size(), 3u);
}

// A name none of whose addresses answered is looked up anew, and not more than once a second.
TEST_F(name_cache, a_distrusted_name_is_asked_for_anew) {
  look_up(three);
  const int before = name_service::lookups();
  for (int failed = 0; failed < 5; ++failed) {
    names.distrust(three);
    EXPECT_EQ(look_up(three).size(), 3u);
  }
  now_of_the_test += 1s - 1ns;
  look_up(three);
  EXPECT_EQ(name_service::lookups(), before);
  name_service::set("three.test", {"127.0.0.9"});
  now_of_the_test += 1ns;
  EXPECT_EQ(look_up(three), addresses{at("127.0.0.9")});
  EXPECT_EQ(name_service::lookups(), before + 1);
  now_of_the_test += 59s; // trusted again
  look_up(three);
  EXPECT_EQ(name_service::lookups(), before + 1);
}

// What is told of a name that nobody has asked for is of no account.
TEST_F(name_cache, nothing_is_remembered_of_an_unknown_name) {
  const wire::origin unknown{scheme::https, "unknown.test", 1};
  names.mark_bad(unknown, at("127.0.0.1"));
  names.mark_good(unknown, at("127.0.0.1"));
  names.distrust(unknown);
  names.wake();
}

// http and https on their default ports are two places, although neither names its port.
TEST_F(name_cache, regression_default_ports_of_two_schemes_are_not_mixed_up) {
  const auto plain = look_up({scheme::http, "three.test", 80});
  const auto secured = look_up({scheme::https, "three.test", 443});
  ASSERT_FALSE(plain.empty());
  ASSERT_FALSE(secured.empty());
  EXPECT_EQ(plain[0].port(), 80);
  EXPECT_EQ(secured[0].port(), 443);
}

// A name that the system knows is found by the system's own clock and service.
TEST(resolver, finds_localhost) {
  test::net_client client;
  failure why;
  const auto found = run(client.io, client.names.resolve({scheme::https, "localhost", 8443}, not_shut, why));
  ASSERT_FALSE(found.empty()) << why.text;
  for (const auto& endpoint : found) EXPECT_TRUE(endpoint.address().is_loopback());
}

} // namespace
} // namespace hoist::net
