// Several addresses, one connection: who is tried when, who wins, and what becomes of the others. Head starts are
// nothing or an hour where the rule is not about their length, so that no rule depends on how fast this machine is.

#include "loopback.hpp"
#include "net_client.hpp"

#include "net/connect_race.hpp"

#include <gtest/gtest.h>

#include <boost/asio/error.hpp>

#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <set>
#include <thread>

namespace hoist::net {
namespace {

using namespace std::chrono_literals;
using test::black_hole;
using test::open_descriptors;
using test::quiet_listener;
using test::run;
using test::run_ready;
using test::run_until;
using test::silent_place;

constexpr std::chrono::milliseconds none = 0ms, long_time = 1h;

tcp::endpoint at(int host, std::uint16_t port) {
  return {asio::ip::make_address("127.0.0." + std::to_string(host)), port};
}

/// A run that is under way while the test looks at it.
class observed_race {
 public:
  explicit observed_race(std::chrono::milliseconds head_start) : race(io.get_executor(), head_start) {}

  void start(addresses list) {
    asio::co_spawn(io, race.run(std::move(list)), [this](std::exception_ptr e, race_result r) {
      EXPECT_FALSE(e);
      result.emplace(std::move(r));
    });
    run_ready(io);
  }

  bool ended() {
    return run_until(io, [this] { return result.has_value(); });
  }

  asio::io_context io{1};
  tcp_socket unused{io.get_executor()}; ///< has the reactor open its descriptors before any are counted
  connect_race race;
  std::optional<race_result> result;
};

race_result race(std::chrono::milliseconds head_start, addresses list) {
  asio::io_context io{1};
  connect_race one(io.get_executor(), head_start);
  auto result = run(io, one.run(std::move(list)));
  if (result.socket) {
    EXPECT_EQ(result.socket->remote_endpoint(), result.winner);
  }
  result.socket.reset();
  return result;
}

// An address that answers nothing holds nobody up: the next one is tried after a head start, and wins. The silent one
// is bad, since it had its time.
TEST(connect_race, a_black_hole_costs_a_head_start) {
  const quiet_listener good("127.0.0.1");
  const black_hole hole("127.0.0.2", good.port());
  const auto before = std::chrono::steady_clock::now();
  const auto result = race(connect_head_start, {at(2, good.port()), at(1, good.port())});
  const auto took = std::chrono::steady_clock::now() - before;
  EXPECT_EQ(result.winner, at(1, good.port()));
  EXPECT_EQ(result.bad, addresses{at(2, good.port())});
  EXPECT_GE(took, connect_head_start);
  RecordProperty("milliseconds", static_cast<int>(took / 1ms));
}

// A refusal is an end: the next one starts at once, however long the head start.
TEST(connect_race, a_refusal_costs_nothing) {
  const quiet_listener good("127.0.0.1");
  const silent_place one("127.0.0.2", good.port()), two("127.0.0.3", good.port());
  const auto result = race(long_time, {at(2, good.port()), at(3, good.port()), at(1, good.port())});
  EXPECT_EQ(result.winner, at(1, good.port()));
  EXPECT_EQ(result.bad, (addresses{at(2, good.port()), at(3, good.port())}));
}

// Where there is no IPv6 the kernel calls every address of it "not available", which is no lack of ports that will
// pass. (regression: it was taken for ours, and tried ten times a second for ever)
TEST(connect_race, regression_without_ipv6_nothing_leads_there) {
  const int known = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (known < 0) GTEST_SKIP() << "the kernel has no IPv6 at all";
  ::close(known);
  bool alone = false;
  std::optional<race_result> result;
  std::thread([&] {
    alone = ::unshare(CLONE_NEWNET) == 0; // of this thread alone: a network without an address
    if (alone)
      result.emplace(
          race(long_time, {{asio::ip::make_address("2001:db8::1"), 443}, {asio::ip::make_address("::1"), 443}}));
  }).join();
  if (!alone) GTEST_SKIP() << "a network of its own needs root";
  EXPECT_FALSE(result->socket);
  EXPECT_EQ(result->bad.size(), 2u);
  EXPECT_EQ(result->why, asio::error::network_unreachable);
}

// While the head start lasts nobody else is tried: a healthy name costs one connection per connection.
TEST(connect_race, a_head_start_is_kept) {
  quiet_listener good("127.0.0.1");
  const black_hole hole("127.0.0.2", good.port());
  observed_race r(long_time);
  r.start({at(2, good.port()), at(1, good.port())});
  EXPECT_EQ(r.race.alive(), 1u);
  EXPECT_EQ(good.take(), 0);
  r.race.shut(asio::error::operation_aborted);
  ASSERT_TRUE(r.ended());
  EXPECT_FALSE(r.result->socket);

  EXPECT_EQ(race(long_time, {at(1, good.port()), at(3, good.port())}).winner, at(1, good.port()));
  EXPECT_EQ(good.take(), 1);
}

// At most four are under way, whatever the list and the head start; a fifth is tried when one of them has ended.
TEST(connect_race, four_at_a_time) {
  quiet_listener good("127.0.0.1");
  const black_hole two("127.0.0.2", good.port()), three("127.0.0.3", good.port()), four("127.0.0.4", good.port());
  {
    const black_hole five("127.0.0.5", good.port());
    observed_race r(none);
    r.start({at(2, good.port()), at(3, good.port()), at(4, good.port()), at(5, good.port()), at(1, good.port())});
    EXPECT_EQ(r.race.alive(), connects_alive_max);
    EXPECT_EQ(good.take(), 0);
    r.race.shut(asio::error::operation_aborted);
    ASSERT_TRUE(r.ended());
  }
  const silent_place five("127.0.0.5", good.port());
  const auto result =
      race(none, {at(2, good.port()), at(3, good.port()), at(4, good.port()), at(5, good.port()), at(1, good.port())});
  EXPECT_EQ(result.winner, at(1, good.port()));
}

// Of several that stand one is kept; the others are closed, and have ended when the result is there.
TEST(connect_race, losers_are_closed) {
  const quiet_listener good("127.0.0.1"), as_good("127.0.0.2", good.port());
  const black_hole hole("127.0.0.3", good.port());
  observed_race r(none);
  const int before = open_descriptors();
  auto scenario = [&]() -> task<void> {
    const addresses list{at(3, good.port()), at(1, good.port()), at(2, good.port())};
    const auto result = co_await r.race.run(list);
    EXPECT_EQ(r.io.poll(), 0u) << "an attempt has not ended yet";
    EXPECT_TRUE(result.socket);
    EXPECT_EQ(open_descriptors(), before + 1);
  };
  run(r.io, scenario());
  EXPECT_EQ(open_descriptors(), before);
}

// When nobody answers, everyone was asked, the reason is a peer's, and each is bad.
TEST(connect_race, nobody_answers) {
  const silent_place one("127.0.0.1"), two("127.0.0.2", one.port()), three("127.0.0.3", one.port());
  const addresses all{at(1, one.port()), at(2, one.port()), at(3, one.port())};
  for (const auto head_start : {none, long_time}) {
    const auto result = race(head_start, all);
    EXPECT_FALSE(result.socket);
    EXPECT_EQ(result.why, asio::error::connection_refused);
    EXPECT_EQ(std::set(result.bad.begin(), result.bad.end()), std::set(all.begin(), all.end()));
  }
  EXPECT_FALSE(race(none, {}).socket);
}

struct shut_case {
  const char* name;
  error_code why;
  std::chrono::milliseconds head_start;
  std::size_t alive, bad;
};

class race_shut : public testing::TestWithParam<shut_case> {};

// A shut closes everyone under way. After a time-out those who had their time are bad; after a cancellation nobody is,
// for nobody was waited for.
TEST_P(race_shut, closes_all) {
  const auto& c = GetParam();
  const black_hole one("127.0.0.1"), two("127.0.0.2", one.port()), three("127.0.0.3", one.port());
  observed_race r(c.head_start);
  const int before = open_descriptors();
  r.start({at(1, one.port()), at(2, one.port()), at(3, one.port())});
  EXPECT_EQ(r.race.alive(), c.alive);
  EXPECT_EQ(open_descriptors(), before + static_cast<int>(c.alive));
  r.race.shut(c.why);
  EXPECT_EQ(open_descriptors(), before);
  ASSERT_TRUE(r.ended());
  EXPECT_FALSE(r.result->socket);
  EXPECT_EQ(r.result->why, c.why);
  EXPECT_EQ(r.result->bad.size(), c.bad);
  EXPECT_EQ(r.race.alive(), 0u);
}

INSTANTIATE_TEST_SUITE_P(all, race_shut,
                         testing::Values(shut_case{"timed_out", asio::error::timed_out, none, 3, 3},
                                         shut_case{"timed_out_too_soon_to_tell", asio::error::timed_out, long_time, 1,
                                                   0},
                                         shut_case{"cancelled", asio::error::operation_aborted, none, 3, 0}),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Shut in the very turn in which a connection stood, before the race was told or right after: there is no winner, and
// its descriptor is gone.
TEST(connect_race, a_winner_that_comes_with_the_shut_is_none) {
  const quiet_listener good("127.0.0.1");
  for (const bool told : {false, true}) {
    observed_race r(none);
    const int before = open_descriptors();
    asio::co_spawn(r.io, r.race.run({at(1, good.port())}),
                   [&](std::exception_ptr, race_result won) { r.result.emplace(std::move(won)); });
    ASSERT_TRUE(run_until(r.io, [&] { return r.race.alive() == 1; }));
    if (told) {
      ASSERT_TRUE(run_until(r.io, [&] { return r.race.alive() == 0; }));
    }
    ASSERT_FALSE(r.result);
    r.race.shut(asio::error::timed_out);
    ASSERT_TRUE(r.ended());
    EXPECT_FALSE(r.result->socket) << told;
    EXPECT_EQ(open_descriptors(), before) << told;
  }
}

// A race may be run again, after a success, a failure and a shut; a shut without a run does nothing to the next.
TEST(connect_race, again_and_again) {
  const quiet_listener good("127.0.0.1");
  const silent_place refusing("127.0.0.2", good.port());
  asio::io_context io{1};
  connect_race one(io.get_executor(), none);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(run(io, one.run({at(1, good.port())})).socket);
    EXPECT_FALSE(run(io, one.run({at(2, good.port())})).socket);
    one.shut(asio::error::timed_out);
  }
}

// Whoever drops a race in mid-run, with its thread or before it, leaves nothing behind that is touched later.
TEST(connect_race, dropped_in_mid_run) {
  const black_hole one("127.0.0.1"), two("127.0.0.2", one.port());
  const int before = open_descriptors();
  {
    observed_race with_its_thread(none);
    with_its_thread.start({at(1, one.port()), at(2, one.port())});
    EXPECT_EQ(with_its_thread.race.alive(), 2u);
  }
  {
    asio::io_context io{1};
    auto first = std::make_unique<connect_race>(io.get_executor(), none);
    asio::co_spawn(io, first->run({at(1, one.port()), at(2, one.port())}), [](std::exception_ptr, race_result) {});
    run_ready(io);
    EXPECT_EQ(first->alive(), 2u);
    first.reset();
  }
  EXPECT_EQ(open_descriptors(), before);
}

// Out of descriptors is our shortage: nobody is bad for it, and it is told only when no peer has said anything.
TEST(connect_race, our_own_shortage_is_nobodys_fault) {
  const quiet_listener good("127.0.0.1");
  // The same steps with all the descriptors there are: UBSan looks at the type of an object it meets for the first time
  // through a pipe, which it would not get below, and takes that for a broken object.
  const silent_place nobody("127.0.0.2", good.port());
  ASSERT_FALSE(is_own_shortage(race(none, {at(2, good.port())}).why));

  observed_race r(none);
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
  const rlimit nothing{0, usual.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &nothing), 0);
  r.start({at(1, good.port()), at(2, good.port())});
  const bool ended = r.ended();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
  ASSERT_TRUE(ended);
  EXPECT_FALSE(r.result->socket);
  EXPECT_TRUE(is_own_shortage(r.result->why)) << r.result->why.message();
  EXPECT_TRUE(r.result->bad.empty());
}

} // namespace
} // namespace hoist::net
