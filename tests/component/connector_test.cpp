// From a name to a connected stream: names, address rules, and attempts that are shut from outside.

#include "fake_peer.hpp"
#include "loopback.hpp"
#include "name_service.hpp"
#include "net_client.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include <ifaddrs.h>
#include <netinet/in.h>

#include <future>
#include <set>

namespace hoist::net {
namespace {

using test::black_hole;
using test::fake_peer;
using test::name_service;
using test::net_client;
using test::open_descriptors;
using test::peer_connection;
using test::quiet_listener;
using test::refused_port;
using test::run;
using test::silent_place;
using wire::scheme;

const error_code not_shut;

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

/// An attempt that is under way while the test looks at it.
class observed_attempt {
 public:
  void start(wire::origin where) {
    to = std::move(where);
    asio::co_spawn(client.io, one->connect(to, reach::anywhere, client.doing),
                   [this](std::exception_ptr e, connect_result r) {
                     EXPECT_FALSE(e);
                     result = std::move(r);
                   });
  }

  bool ended() {
    return test::run_until(client.io, [this] { return result.has_value(); });
  }

  wire::origin to;
  net_client client;
  tcp_socket unused{client.io.get_executor()}; ///< has the reactor open its descriptors before any are counted
  std::unique_ptr<connector> one = std::make_unique<connector>(client.context());
  std::optional<connect_result> result;
};

struct shut_case {
  const char* name;
  error_code why;
  failure_kind expected;
};

class shut_in_mid_connect : public testing::TestWithParam<shut_case> {};

// A connection that is shut while it is being made ends, no stream comes of it, and no descriptor is left.
TEST_P(shut_in_mid_connect, ends_it) {
  const black_hole hole("127.0.0.1");
  observed_attempt attempt;
  const int before = open_descriptors();
  attempt.start({scheme::http, "127.0.0.1", hole.port()});
  ASSERT_TRUE(test::run_until(attempt.client.io, [&] { return open_descriptors() == before + 1; }));
  EXPECT_EQ(attempt.client.doing.at, stage::connecting);
  attempt.one->shut(GetParam().why);
  EXPECT_EQ(open_descriptors(), before);
  ASSERT_TRUE(attempt.ended());
  EXPECT_EQ(attempt.result->connected, nullptr);
  EXPECT_EQ(attempt.result->why.kind, GetParam().expected) << attempt.result->why.text;
}

INSTANTIATE_TEST_SUITE_P(all, shut_in_mid_connect,
                         testing::Values(shut_case{"timed_out", asio::error::timed_out, failure_kind::connect},
                                         shut_case{"cancelled", asio::error::operation_aborted,
                                                   failure_kind::cancelled}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// A connector that is dropped in mid-race, as its thread ends, leaves nothing behind.
TEST(connector, dropped_in_mid_race) {
  const black_hole one("127.0.0.1"), two("127.0.0.2", one.port());
  name_service::set("holes.test", {"127.0.0.1", "127.0.0.2"});
  const int before = open_descriptors();
  {
    observed_attempt attempt;
    const int idle = open_descriptors();
    attempt.start({scheme::http, "holes.test", one.port()});
    ASSERT_TRUE(test::run_until(attempt.client.io, [&] { return open_descriptors() >= idle + 2; }));
    attempt.one.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
}

// ---- several addresses -------------------------------------------------------------------------------------------

// A name with an address that is dead in any way is connected to by way of another one, and the next connection begins
// with that other one. The whole of it is one stage that does not move, so that its limit holds for all addresses
// together.
TEST(connector, a_dead_address_is_got_around) {
  const quiet_listener good("127.0.0.1");
  const silent_place refusing("127.0.0.2", good.port());
  const black_hole hole("127.0.0.3", good.port());
  for (const char* dead : {"127.0.0.2", "127.0.0.3"}) {
    net_client client;
    const std::string name = std::string("dead-") + dead + ".test";
    name_service::set(name, {dead, "127.0.0.1"});
    const wire::origin to{scheme::http, name, good.port()};
    const auto result = attempt(client, to, reach::anywhere);
    EXPECT_FALSE(result.why) << dead << ": " << result.why.text;
    EXPECT_EQ(client.doing.at, stage::connecting);
    EXPECT_EQ(client.doing.moves, 1u);
    for (int turn = 0; turn < 2; ++turn) {
      failure why;
      EXPECT_EQ(run(client.io, client.names.resolve(to, not_shut, why)).back().address().to_string(), dead);
    }
  }
}

// Connections are spread over all addresses that answer.
TEST(connector, connections_are_spread) {
  quiet_listener one("127.0.0.1"), two("127.0.0.2", one.port()), three("127.0.0.3", one.port());
  name_service::set("spread.test", {"127.0.0.1", "127.0.0.2", "127.0.0.3"});
  net_client client;
  for (int i = 0; i < 6; ++i)
    EXPECT_FALSE(attempt(client, {scheme::http, "spread.test", one.port()}, reach::anywhere).why);
  for (auto* place : {&one, &two, &three}) EXPECT_EQ(place->take(), 2);
}

// When every address is bad each is still tried: the one that comes back is found.
TEST(connector, all_bad_is_not_the_end) {
  const silent_place one("127.0.0.1");
  name_service::set("all-bad.test", {"127.0.0.1", "127.0.0.2"});
  net_client client;
  const wire::origin to{scheme::http, "all-bad.test", one.port()};
  {
    const silent_place two("127.0.0.2", one.port());
    for (int i = 0; i < 2; ++i) {
      const auto result = attempt(client, to, reach::anywhere);
      EXPECT_EQ(result.why.kind, failure_kind::connect);
      EXPECT_NE(result.why.text.find(to.text()), std::string::npos) << result.why.text;
    }
  }
  quiet_listener two("127.0.0.2", one.port());
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(attempt(client, to, reach::anywhere).why);
  EXPECT_EQ(two.take(), 2);
}

// A connection that stands takes the mark from its address: it has its turn again.
TEST(connector, a_success_makes_an_address_good) {
  const quiet_listener one("127.0.0.1"), two("127.0.0.2", one.port());
  name_service::set("better.test", {"127.0.0.1", "127.0.0.2"});
  net_client client;
  const wire::origin to{scheme::http, "better.test", one.port()};
  failure why;
  const auto both = run(client.io, client.names.resolve(to, not_shut, why));
  for (const auto& address : both) client.names.mark_bad(to, address);
  EXPECT_FALSE(attempt(client, to, reach::anywhere).why); // by way of the one that was marked first
  client.names.mark_good(to, both.back());
  std::set<tcp::endpoint> first;
  for (int turn = 0; turn < 2; ++turn) first.insert(run(client.io, client.names.resolve(to, not_shut, why)).front());
  EXPECT_EQ(first.size(), 2u);
}

resolver::time_point now_of_the_test;

// A name is looked up anew when all its addresses have failed, and not while one of them answers.
TEST(connector, a_name_that_leads_nowhere_is_looked_up_anew) {
  const silent_place refusing("127.0.0.1");
  const quiet_listener good("127.0.0.2", refusing.port());
  now_of_the_test = resolver::time_point(std::chrono::hours(1));
  net_client client;
  resolver names(client.io.get_executor(), [] { return now_of_the_test; });
  connector one({client.io.get_executor(), names, client.tls, client.pool, client.tallies});
  const auto a_second_later = [&](std::vector<std::string> leads_to) {
    const int before = name_service::lookups();
    name_service::set("moves.test", std::move(leads_to));
    now_of_the_test += std::chrono::seconds(1);
    const auto result =
        run(client.io, one.connect({scheme::http, "moves.test", refusing.port()}, reach::anywhere, client.doing));
    return std::pair(name_service::lookups() - before, result.why.kind);
  };
  EXPECT_EQ(a_second_later({"127.0.0.1", "127.0.0.2"}), std::pair(1, failure_kind::none)); // never asked before
  EXPECT_EQ(a_second_later({"127.0.0.1"}), std::pair(0, failure_kind::none)); // one has failed, the other answers
  now_of_the_test += std::chrono::minutes(1);
  EXPECT_EQ(a_second_later({"127.0.0.1"}), std::pair(1, failure_kind::connect));
  EXPECT_EQ(a_second_later({"127.0.0.2"}), std::pair(1, failure_kind::none));
}

// An address where TLS comes to nothing is bad as well: the next connection begins with another one.
TEST(connector, a_lost_handshake_makes_an_address_bad) {
  fake_peer peer([](peer_connection& p) {
    p.read_exactly(100);
    p.reset();
  });
  name_service::set("no-tls.test", {"127.0.0.1", "127.0.0.2"});
  net_client client;
  const wire::origin to{scheme::https, "no-tls.test", peer.port()};
  EXPECT_EQ(attempt(client, to, reach::anywhere).why.kind, failure_kind::handshake);
  for (int turn = 0; turn < 2; ++turn) {
    failure why;
    EXPECT_EQ(run(client.io, client.names.resolve(to, not_shut, why)).back().address().to_string(), "127.0.0.1");
  }
}

// When all addresses of a name are out of reach, none is connected to, and the one that an option would allow is told.
TEST(connector, no_address_of_a_name_is_in_reach) {
  quiet_listener one("127.0.0.1"), two("127.0.0.2", one.port());
  name_service::set("loopback.test", {"127.0.0.1", "127.0.0.2"});
  name_service::set("mixed.test", {"127.0.0.1", "10.0.0.1", "169.254.169.254"});
  struct {
    const char* name;
    reach allowed;
    failure_kind expected;
  } const cases[] = {{"loopback.test", reach::public_only, failure_kind::address_refused},
                     {"loopback.test", reach::not_loopback, failure_kind::address_refused},
                     {"mixed.test", reach::public_only, failure_kind::private_storage}};
  net_client client;
  for (const auto& c : cases)
    for (int turn = 0; turn < 3; ++turn)
      EXPECT_EQ(attempt(client, {scheme::http, c.name, one.port()}, c.allowed).why.kind, c.expected) << c.name;
  EXPECT_EQ(one.take() + two.take(), 0);
}

/// A private address of this machine's own, connections to which do not leave it; empty when it has none.
std::string own_private_address() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::string found;
  for (const ifaddrs* i = all; i != nullptr && found.empty(); i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    asio::ip::address address;
    if (i->ifa_addr->sa_family == AF_INET)
      address = asio::ip::address_v4(ntohl(reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr.s_addr));
    else if (i->ifa_addr->sa_family == AF_INET6)
      address =
          asio::ip::address_v6(std::to_array(reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr.s6_addr));
    else
      continue;
    failure why;
    within_reach({{address, 1}}, reach::public_only, why);
    if (why.kind == failure_kind::private_storage) found = address.to_string();
  }
  ::freeifaddrs(all);
  return found;
}

// Of a name with addresses within and out of reach only the former are connected to, whoever comes first.
TEST(connector, only_the_addresses_in_reach_are_connected_to) {
  const std::string own = own_private_address();
  if (own.empty()) GTEST_SKIP() << "this machine has no private address; address_rules_test has the rule itself";
  quiet_listener loopback("127.0.0.1"), within(own, loopback.port());
  name_service::set("partly.test", {"127.0.0.1", own, "127.0.0.2"});
  net_client client;
  for (int turn = 0; turn < 3; ++turn) {
    const auto result = attempt(client, {scheme::http, "partly.test", loopback.port()}, reach::not_loopback);
    EXPECT_FALSE(result.why) << result.why.text;
    EXPECT_FALSE(result.peer_is_public);
  }
  EXPECT_EQ(within.take(), 3);
  EXPECT_EQ(loopback.take(), 0);
}

// A peer that does not answer outranks an address out of reach: that the one is back may be found later, and the run is
// not ended for the other.
TEST(connector, a_dead_address_outranks_one_out_of_reach) {
  const std::string own = own_private_address();
  if (own.empty()) GTEST_SKIP() << "this machine has no private address";
  quiet_listener loopback("127.0.0.1");
  const silent_place dead(own, loopback.port());
  name_service::set("half-dead.test", {own, "127.0.0.1"});
  net_client client;
  for (int turn = 0; turn < 3; ++turn)
    EXPECT_EQ(attempt(client, {scheme::http, "half-dead.test", loopback.port()}, reach::not_loopback).why.kind,
              failure_kind::connect);
  EXPECT_EQ(loopback.take(), 0);
}

// ---- slow names --------------------------------------------------------------------------------------------------

struct lookup_case {
  const char* name;
  scheme how;
  error_code why;
  failure_kind expected;
};

class slow_name : public testing::TestWithParam<lookup_case> {
 protected:
  void SetUp() override {
    name_service::set("slow.test", {"127.0.0.1"});
    name_service::hold("slow.test", release);
  }
  std::promise<void> release;
};

// An attempt that was shut while its name was looked up comes to no connection when the name is found after all.
TEST_P(slow_name, regression_a_name_found_after_the_shut_leads_nowhere) {
  fake_peer peer([](peer_connection& p) { p.drain(); });
  net_client client;
  connector one(client.context());
  std::optional<connect_result> result;
  const int before = name_service::lookups();
  const wire::origin to{GetParam().how, "slow.test", peer.port()};
  asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                 [&](std::exception_ptr e, connect_result r) {
                   EXPECT_FALSE(e);
                   result = std::move(r);
                 });
  ASSERT_TRUE(test::run_until(client.io, [&] { return name_service::lookups() > before; }));
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
  const int before = name_service::lookups();
  const wire::origin to{GetParam().how, "slow.test", 9};
  asio::co_spawn(client.io, one.connect(to, reach::anywhere, client.doing),
                 [&](std::exception_ptr e, connect_result r) {
                   EXPECT_FALSE(e);
                   result = std::move(r);
                 });
  ASSERT_TRUE(test::run_until(client.io, [&] { return name_service::lookups() > before; }));
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
                    lookup_case{"http_cancelled", scheme::http, asio::error::operation_aborted,
                                failure_kind::cancelled}),
    [](const auto& tested) { return std::string(tested.param.name); });

} // namespace
} // namespace hoist::net
