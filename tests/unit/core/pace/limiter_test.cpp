#include "core/pace/limiter.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using ending = limiter::ending;

const instant t0 = instant{} + 1000s;

// What it tells of a host: its window, its rate if there is one, how many answers were throttled, how long they took.
TEST(limiter, figures) {
  limiter l({1, 8, 32, false}, {});
  auto seen = l.figures();
  EXPECT_EQ(seen.window, 32);
  EXPECT_EQ(seen.per_second, 0);
  EXPECT_EQ(seen.throttled, 0u);
  EXPECT_EQ(seen.latency.count(), 0u);
  for (int i = 0; i < 100; ++i) {
    const instant begun = t0 + 10ms * i;
    l.ended(begun, begun + 180ms, i % 2 == 0 ? ending::throttled : ending::served, 1, 0);
  }
  l.ended(t0, t0 + 30s, ending::silent, 1, 0);
  seen = l.figures();
  EXPECT_EQ(seen.throttled, 50u);
  EXPECT_EQ(seen.latency.count(), 100u) << "no answer has no latency";
  EXPECT_GE(seen.latency.quantile(0.99), 180ms);
  EXPECT_LE(seen.latency.quantile(0.99), 203ms);
  ASSERT_TRUE(l.per_second());
  EXPECT_EQ(seen.per_second, *l.per_second());
}

// Those of several shards add up.
TEST(limiter, figures_merge) {
  host_figures a, b;
  a.window = 8;
  a.throttled = 3;
  a.latency.add(1ms);
  b.window = 16;
  b.per_second = 100;
  b.throttled = 4;
  b.latency.add(1s);
  a.merge(b);
  EXPECT_EQ(a.window, 24);
  EXPECT_EQ(a.per_second, 100);
  EXPECT_EQ(a.throttled, 7u);
  EXPECT_EQ(a.latency.count(), 2u);
  EXPECT_GE(a.latency.quantile(1), 1s);
}

/// How large a window of 8 has become after two dozen rounds, where from the tenth on bodies are larger and answers
/// slower.
int size_after_growth_of(std::uint64_t first_bytes, std::uint64_t later_bytes, std::chrono::nanoseconds later_latency) {
  limiter tested({1, 8, 1024, true}, {});
  instant now = t0;
  tested.held(now, {}, tested.size());
  for (int round = 0; round < 24; ++round) {
    const bool later = round >= 10;
    const instant begun = now;
    now += later ? later_latency : 10ms;
    const int n = tested.size();
    for (int i = 0; i < n; ++i) tested.ended(begun, now, ending::served, n - 1 - i, later ? later_bytes : first_bytes);
    tested.held(now, {}, tested.size());
  }
  return tested.size();
}

// Bodies weigh in by their size: that larger files take longer does not pass for a host that has become slower.
TEST(limiter, larger_bodies_are_not_a_slower_host) {
  const int without = size_after_growth_of(0, 0, 10ms);
  EXPECT_GE(without, 128);
  EXPECT_GE(size_after_growth_of(0, 64 * 1024 * 9, 100ms), without);
  EXPECT_LT(size_after_growth_of(0, 0, 100ms), without) << "while that would be one";
}

// A rate that holds us keeps the window from being judged by what gets done; when the host accepts more, both follow.
TEST(limiter, a_throttled_host_does_not_settle_the_window) {
  limiter l({1, 8, 1024, true}, {});
  instant now = t0;
  struct pending {
    instant begun;
    bool accepted;
  };
  std::vector<pending> in_flight;
  double tokens = 0;
  for (int ms = 0; ms < 120'000; ++ms, now += 1ms) {
    const double limit = ms < 30'000 ? 100 : 4000;
    tokens = std::min(tokens + limit / 1000, limit / 10);
    while (!in_flight.empty() && in_flight.front().begun + 50ms <= now) {
      const auto one = in_flight.front();
      in_flight.erase(in_flight.begin());
      l.ended(one.begun, now, one.accepted ? ending::served : ending::throttled, static_cast<int>(in_flight.size()), 0);
    }
    for (;;) {
      if (static_cast<int>(in_flight.size()) >= l.size()) {
        l.held(now, {}, l.size());
        break;
      }
      if (!l.may_start(now)) break;
      l.started(now);
      in_flight.push_back({now, tokens >= 1});
      if (tokens >= 1) --tokens;
    }
  }
  EXPECT_GE(l.size(), 200) << "4000 a second at 50 ms";
  EXPECT_GE(l.per_second().value_or(1e9), 3200);
}

} // namespace
} // namespace hoist::core
