#include "core/pace/retry_budget.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

const instant t0 = instant{} + 1000s;

int take_all(retry_budget& budget, instant now) {
  int taken = 0;
  while (taken < 1000 && budget.take(now)) ++taken;
  return taken;
}

// At first it is full, and it holds exactly as many as it says.
TEST(retry_budget, full_at_first) {
  for (const int tokens : {1, 125, 500}) {
    retry_budget budget({tokens, 100ms});
    EXPECT_EQ(take_all(budget, t0), tokens);
    EXPECT_FALSE(budget.take(t0));
  }
}

// Time brings ten tokens a second, each at the moment that next_token() names and not before.
TEST(retry_budget, time_refills) {
  retry_budget budget({500, 100ms});
  take_all(budget, t0);
  EXPECT_EQ(budget.next_token(), t0 + 100ms);
  EXPECT_FALSE(budget.take(t0 + 100ms - 1ns));
  EXPECT_TRUE(budget.take(t0 + 100ms));
  EXPECT_FALSE(budget.take(t0 + 100ms));
  EXPECT_EQ(budget.next_token(), t0 + 200ms);
  EXPECT_EQ(take_all(budget, t0 + 1100ms), 10);
}

// Asking often, at odd moments, neither loses nor gains anything.
TEST(retry_budget, refilling_is_exact) {
  retry_budget budget({500, 100ms});
  take_all(budget, t0);
  int taken = 0;
  for (instant now = t0; now <= t0 + 10s; now += 7ms + 13ns) taken += budget.take(now) ? 1 : 0;
  EXPECT_GE(taken, 99);
  EXPECT_LE(taken, 100);
}

// A success earns one, which is there at once.
TEST(retry_budget, success_earns_one) {
  retry_budget budget({500, 100ms});
  take_all(budget, t0);
  budget.earn();
  EXPECT_TRUE(budget.take(t0));
  EXPECT_FALSE(budget.take(t0));
  EXPECT_EQ(budget.next_token(), t0 + 100ms) << "and does not put off the next";
}

// Neither time nor success fills it beyond its size.
TEST(retry_budget, never_more_than_full) {
  retry_budget budget({5, 100ms});
  for (int i = 0; i < 100; ++i) budget.earn();
  EXPECT_EQ(take_all(budget, t0), 5);
  EXPECT_EQ(take_all(budget, t0 + 24h), 5);
}

// Time does not run backwards, whatever the order of the questions.
TEST(retry_budget, an_earlier_moment_brings_nothing) {
  retry_budget budget({5, 100ms});
  take_all(budget, t0);
  EXPECT_FALSE(budget.take(t0 - 10s));
  EXPECT_FALSE(budget.take(t0));
}

// However many of its tries fail, a host's retries are never more than its successes, what was saved and what time
// brought.
TEST(retry_budget, retries_do_not_outnumber_successes) {
  for (const int failing_percent : {10, 50, 90}) {
    retry_budget budget({500, 100ms});
    instant now = t0;
    int successes = 0, retries = 0;
    for (int i = 0; i < 100'000; ++i, now += 1ms) {
      if (i % 100 < failing_percent) {
        retries += budget.take(now) ? 1 : 0;
      } else {
        ++successes;
        budget.earn();
      }
    }
    const int of_time = 1000;
    EXPECT_LE(retries, 500 + successes + of_time) << failing_percent;
    EXPECT_GE(retries, std::min(100'000 * failing_percent / 100, successes)) << failing_percent << ": and no fewer";
  }
}

// Shards share it: together they have as many tokens, and as many a second; none has none.
TEST(retry_budget, shares) {
  EXPECT_EQ(share_of(budget_policy{500, 100ms}, 1), (budget_policy{500, 100ms}));
  EXPECT_EQ(share_of(budget_policy{500, 100ms}, 4), (budget_policy{125, 400ms}));
  EXPECT_EQ(share_of(budget_policy{500, 100ms}, 1000), (budget_policy{1, 100s}));
}

} // namespace
} // namespace hoist::core
