#include "core/schedule/host.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using enum outcome_kind;

const instant t0 = instant{} + 1000s;

/// A host that is asked one request at a time.
struct asked_host {
  linked_queue::links links{16};
  host tested{host_policy{{1, 8, 64, false}, {}, {}, {}, 1s, nullptr, 1, true}, links};
  instant now = t0;

  void served(std::chrono::milliseconds took = 10ms) {
    const instant begun = now;
    tested.begun(now);
    now += took;
    tested.served_one(begun, now, 0);
  }
  void failed(outcome_kind why, std::chrono::milliseconds took = 10ms, std::optional<millis> retry_after = {}) {
    const instant begun = now;
    const auto as = tested.gate.started();
    tested.begun(now);
    now += took;
    tested.failed_one({why, retry_after}, begun, as, now, 1);
  }
  bool away() const { return !tested.gate.open(); }
};

// Nothing but 502, 503 and 504: sixteen at once, eight within a quarter of a second, or three over a second, and it is
// away; with any other answer in between it is not.
TEST(host, a_balancer_with_nobody_behind_it_is_away) {
  for (const auto why : {gateway, unavailable}) {
    asked_host quick, middling, slow, mixed;
    for (asked_host* each : {&quick, &middling, &slow, &mixed}) each->served();
    for (int i = 0; i < 16; ++i) {
      EXPECT_FALSE(quick.away()) << i;
      quick.failed(why, 1ms);
    }
    EXPECT_TRUE(quick.away());
    for (int i = 0; i < 8; ++i) middling.failed(why, 40ms);
    EXPECT_TRUE(middling.away());
    for (int i = 0; i < 3; ++i) slow.failed(why, 600ms);
    EXPECT_TRUE(slow.away());
    for (int i = 0; i < 100; ++i) {
      mixed.failed(why, 100ms);
      if (i % 2 == 1) mixed.served(100ms);
    }
    EXPECT_FALSE(mixed.away());
  }
}

// A limit that refuses with 503 for a moment, while others are served, is throttling: what was learnt of it stays.
TEST(host, regression_a_limit_that_says_503) {
  asked_host h;
  for (int i = 0; i < 100; ++i) h.served();
  for (int i = 0; i < 16; ++i) h.failed(unavailable, 1ms);
  ASSERT_TRUE(h.away());
  h.now += 50ms;
  h.served();
  EXPECT_FALSE(h.away());
  EXPECT_TRUE(h.tested.limit.per_second());
}

// What went wrong while it went away is not taken for throttling: when it is back its rate is what it was.
TEST(host, an_outage_is_no_throttling) {
  asked_host h;
  for (int i = 0; i < 100; ++i) h.served();
  for (int i = 0; i < 60; ++i) h.failed(unavailable, 100ms);
  ASSERT_TRUE(h.away());
  h.served();
  EXPECT_FALSE(h.away());
  EXPECT_FALSE(h.tested.limit.per_second());
}

// The time of a host that has served is excused; of one that was never reached, or breaks what it takes, it is not.
TEST(host, what_an_absence_is) {
  asked_host served, never, breaks;
  served.served();
  breaks.served();
  for (asked_host* each : {&served, &never, &breaks}) each->failed(unreachable);
  EXPECT_TRUE(served.tested.away.running());
  EXPECT_TRUE(never.tested.sick.running());
  EXPECT_FALSE(never.tested.away.running());
  breaks.failed(lost); // the probe
  EXPECT_TRUE(breaks.away());
  EXPECT_TRUE(breaks.tested.sick.running());
  EXPECT_FALSE(breaks.tested.away.running());
}

// One that answers, and has served nobody for ten seconds, is failing for all who wait for it, until it serves.
TEST(host, serving_nobody) {
  asked_host h;
  for (int i = 0; i < 9; ++i) h.failed(throttled, 1s);
  EXPECT_FALSE(h.tested.sick.running());
  for (int i = 0; i < 3; ++i) h.failed(throttled, 1s);
  EXPECT_TRUE(h.tested.sick.running());
  h.served();
  EXPECT_FALSE(h.tested.sick.running());
}

// A connection that fails while others answer is about connections: the gate stays open, and further ones are paced.
TEST(host, a_limit_of_connections) {
  asked_host h;
  h.tested.connection_opened(h.now);
  for (const auto why : {unreachable, handshake_lost}) {
    for (int i = 0; i < 20; ++i) {
      h.served();
      h.failed(why, 1ms);
      EXPECT_FALSE(h.away()) << why << i;
    }
    EXPECT_TRUE(h.tested.connects.limited());
  }
}

// It is silent when nothing has been answered for five seconds, or for twice as long as requests take.
TEST(host, silence) {
  asked_host h;
  h.served(10ms);
  h.tested.begun(h.now);
  EXPECT_FALSE(h.tested.silent_since(h.now + 4s));
  EXPECT_EQ(h.tested.silent_since(h.now + 6s), h.now);
  asked_host slow;
  slow.served(60s);
  slow.tested.begun(slow.now);
  EXPECT_FALSE(slow.tested.silent_since(slow.now + 100s));
  EXPECT_TRUE(slow.tested.silent_since(slow.now + 130s));
}

} // namespace
} // namespace hoist::core
