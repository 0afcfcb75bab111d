// From a name to a connected stream: names, address rules, and attempts that are shut from outside.

#include "fake_peer.hpp"
#include "net_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstring>
#include <future>

namespace {

// What the name service is to do for "slow.test": nothing, until the test lets it go on.
std::atomic<int> lookups{0};
std::promise<void>* slow_lookup = nullptr;

} // namespace

// Takes the place of the C library's, so that a look-up can be slow on purpose and look-ups can be counted.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** result) {
  static const auto real = reinterpret_cast<int (*)(const char*, const char*, const addrinfo*, addrinfo**)>(
      ::dlsym(RTLD_NEXT, "getaddrinfo"));
  ++lookups;
  if (name != nullptr && std::strcmp(name, "slow.test") == 0) {
    slow_lookup->get_future().wait();
    return real("127.0.0.1", service, hints, result);
  }
  return real(name, service, hints, result);
}

namespace hoist::net {
namespace {

using test::fake_peer;
using test::net_client;
using test::peer_connection;
using test::refused_port;
using test::run;
using wire::scheme;

const error_code not_shut;

resolver::addresses look_up(net_client& client, const wire::origin& of, failure& why) {
  return run(client.io, client.names.resolve(of, not_shut, why));
}

// A literal address is taken as it stands; nobody is asked.
TEST(resolver, a_literal_is_never_looked_up) {
  net_client client;
  const int before = lookups;
  for (const std::string host : {"127.0.0.1", "::1", "192.0.2.7", "2001:db8::1"}) {
    failure why;
    const auto found = look_up(client, {scheme::https, host, 8443}, why);
    ASSERT_EQ(found.size(), 1u) << host;
    EXPECT_EQ(found[0], tcp::endpoint(asio::ip::make_address(host), 8443));
    EXPECT_FALSE(why);
  }
  EXPECT_EQ(lookups, before);
}

// A name is asked for once and remembered, for many connections at once as well.
TEST(resolver, a_name_is_asked_for_once) {
  net_client client;
  const int before = lookups;
  const wire::origin of{scheme::https, "localhost", 8443};
  std::vector<resolver::addresses> found;
  std::vector<failure> why(5);
  for (int i = 0; i < 5; ++i)
    asio::co_spawn(client.io, client.names.resolve(of, not_shut, why[static_cast<std::size_t>(i)]),
                   [&](std::exception_ptr, resolver::addresses list) { found.push_back(std::move(list)); });
  ASSERT_TRUE(test::run_until(client.io, [&] { return found.size() == 5; }));
  for (const auto& list : found) {
    ASSERT_FALSE(list.empty());
    EXPECT_TRUE(list[0].address().is_loopback());
    EXPECT_EQ(list, found[0]);
  }
  failure again;
  EXPECT_EQ(look_up(client, of, again), found[0]);
  EXPECT_EQ(lookups, before + 1);
}

// A name that cannot exist has no address, and the text says which name it was.
TEST(resolver, a_name_that_cannot_exist_is_told) {
  net_client client;
  failure why;
  EXPECT_TRUE(look_up(client, {scheme::https, "nobody.invalid", 443}, why).empty());
  EXPECT_EQ(why.kind, failure_kind::resolve);
  EXPECT_NE(why.text.find("nobody.invalid"), std::string::npos) << why.text;
}

// An address that did not answer is tried last from then on.
TEST(resolver, a_demoted_address_is_the_last) {
  net_client client;
  const wire::origin of{scheme::https, "localhost", 8443};
  failure why;
  const auto first = look_up(client, of, why);
  client.names.demote(of, first.front());
  const auto then = look_up(client, of, why);
  ASSERT_EQ(then.size(), first.size());
  EXPECT_EQ(then.back(), first.front());
  client.names.demote({scheme::https, "unknown.invalid", 1}, first.front()); // nothing to demote, nothing happens
}

// http and https on their default ports are two places, although neither names its port.
TEST(resolver, regression_default_ports_of_two_schemes_are_not_mixed_up) {
  net_client client;
  failure why;
  const auto plain = look_up(client, {scheme::http, "localhost", 80}, why);
  const auto secured = look_up(client, {scheme::https, "localhost", 443}, why);
  ASSERT_FALSE(plain.empty());
  ASSERT_FALSE(secured.empty());
  EXPECT_EQ(plain[0].port(), 80);
  EXPECT_EQ(secured[0].port(), 443);
}

// ---- connector ---------------------------------------------------------------------------------------------------

connect_result attempt(net_client& client, const wire::origin& to, reach allowed) {
  connector one(client.context());
  return run(client.io, one.connect(to, allowed, client.doing));
}

// A refused port is a failure to connect, and its text names the place.
TEST(connector, a_refused_port_fails_to_connect) {
  const refused_port nobody;
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    net_client client;
    const auto result = attempt(client, {scheme::http, host, nobody.port()}, reach::anywhere);
    EXPECT_EQ(result.why.kind, failure_kind::connect);
    EXPECT_EQ(result.connected, nullptr);
    EXPECT_NE(result.why.text.find(host + ":" + std::to_string(nobody.port())), std::string::npos) << result.why.text;
  }
}

// The address rules hold before a connection is made, for a literal, its mapped form and a name alike.
TEST(connector, an_address_that_is_out_of_reach_is_never_connected_to) {
  fake_peer peer([](peer_connection& p) { p.drain(); });
  struct {
    std::string host;
    reach allowed;
    failure_kind expected;
  } const cases[] = {
      {"127.0.0.1", reach::public_only, failure_kind::address_refused},
      {"127.0.0.1", reach::not_loopback, failure_kind::address_refused},
      {"::ffff:127.0.0.1", reach::public_only, failure_kind::address_refused},
      {"localhost", reach::public_only, failure_kind::address_refused},
      {"169.254.169.254", reach::public_only, failure_kind::address_refused},
      {"169.254.169.254", reach::not_loopback, failure_kind::address_refused},
      {"0.0.0.0", reach::public_only, failure_kind::address_refused},
      {"10.0.0.1", reach::public_only, failure_kind::private_storage},
      {"192.168.1.1", reach::public_only, failure_kind::private_storage},
  };
  for (const auto& c : cases) {
    net_client client;
    const auto result = attempt(client, {scheme::http, c.host, peer.port()}, c.allowed);
    EXPECT_EQ(result.why.kind, c.expected) << c.host << ": " << result.why.text;
    EXPECT_EQ(result.connected, nullptr) << c.host;
  }
  peer.stop();
  EXPECT_EQ(peer.accepted(), 0);
}

// Whether the peer is a public one is told, since it decides where a storage may be.
TEST(connector, tells_that_loopback_is_not_public) {
  fake_peer peer([](peer_connection& p) { p.drain(); });
  net_client client;
  auto result = attempt(client, {scheme::http, "127.0.0.1", peer.port()}, reach::anywhere);
  EXPECT_FALSE(result.why);
  EXPECT_FALSE(result.peer_is_public);
  result.connected.reset();
}

// A connection that is shut while it is being made ends, and no stream comes of it. The address is one of those that
// documentation may use: nobody answers there, or the system refuses at once.
TEST(connector, shut_during_connect_ends_it) {
  net_client client;
  connector one(client.context());
  std::optional<connect_result> result;
  const wire::origin to{scheme::http, "192.0.2.1", 9};
  asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                 [&](std::exception_ptr e, connect_result r) {
                   EXPECT_FALSE(e);
                   result = std::move(r);
                 });
  ASSERT_TRUE(test::run_until(client.io, [&] { return client.doing.at == stage::connecting; }));
  one.shut(asio::error::operation_aborted);
  ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
  EXPECT_EQ(result->connected, nullptr);
  EXPECT_TRUE(result->why.kind == failure_kind::cancelled || result->why.kind == failure_kind::connect) << result->why.text;
}

struct lookup_case {
  const char* name;
  scheme how;
  error_code why;
  failure_kind expected;
};

class slow_name : public testing::TestWithParam<lookup_case> {
 protected:
  void SetUp() override { slow_lookup = &release; }
  std::promise<void> release;
};

// An attempt that was shut while its name was looked up comes to no connection when the name is found after all.
TEST_P(slow_name, regression_a_name_found_after_the_shut_leads_nowhere) {
  fake_peer peer([](peer_connection& p) { p.drain(); });
  net_client client;
  connector one(client.context());
  std::optional<connect_result> result;
  const int before = lookups;
  const wire::origin to{GetParam().how, "slow.test", peer.port()};
  asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                 [&](std::exception_ptr e, connect_result r) {
                   EXPECT_FALSE(e);
                   result = std::move(r);
                 });
  ASSERT_TRUE(test::run_until(client.io, [&] { return lookups > before; }));
  one.shut(GetParam().why);
  release.set_value();
  ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
  EXPECT_EQ(result->connected, nullptr);
  EXPECT_EQ(result->why.kind, GetParam().expected) << result->why.text;
  peer.stop();
  EXPECT_EQ(peer.accepted(), 0);
}

// A shut ends the attempt at once, although the name service has not answered.
TEST_P(slow_name, regression_a_shut_does_not_wait_for_the_name_service) {
  net_client client;
  connector one(client.context());
  std::optional<connect_result> result;
  const int before = lookups;
  const wire::origin to{GetParam().how, "slow.test", 9};
  asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                 [&](std::exception_ptr e, connect_result r) {
                   EXPECT_FALSE(e);
                   result = std::move(r);
                 });
  ASSERT_TRUE(test::run_until(client.io, [&] { return lookups > before; }));
  one.shut(GetParam().why);
  for (int i = 0; i < 20 && !result; ++i) {
    client.io.restart();
    client.io.run_one_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(result.has_value()) << "it still waits for the name after a second";
  release.set_value();
  ASSERT_TRUE(test::run_until(client.io, [&] { return result.has_value(); }));
  EXPECT_EQ(result->why.kind, GetParam().expected) << result->why.text;
}

INSTANTIATE_TEST_SUITE_P(
    all, slow_name,
    testing::Values(lookup_case{"http_timed_out", scheme::http, asio::error::timed_out, failure_kind::connect},
                    lookup_case{"https_timed_out", scheme::https, asio::error::timed_out, failure_kind::connect},
                    lookup_case{"http_cancelled", scheme::http, asio::error::operation_aborted, failure_kind::cancelled}),
    [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace hoist::net
