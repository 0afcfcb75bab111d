#include "core/pace/connection_pace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

const instant t0 = instant{} + 1000s;

// A few at once at first; one more with each that came about, up to a bound.
TEST(connection_pace, grows_with_what_comes_about) {
  connection_pace pace({});
  EXPECT_TRUE(pace.may_open(t0, 7, 0));
  EXPECT_FALSE(pace.may_open(t0, 8, 0));
  for (int n = 1; n <= 100; ++n) pace.opened(n);
  EXPECT_TRUE(pace.may_open(t0, 31, 100));
  EXPECT_FALSE(pace.may_open(t0, 32, 100));
}

// After one that failed, one at a time, after a pause that doubles up to five seconds. Those that were under way
// together are one failure.
TEST(connection_pace, pauses_after_a_failure) {
  connection_pace pace({});
  instant now = t0;
  for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    for (int i = 0; i < 8; ++i) pace.refused(now, 0);
    EXPECT_FALSE(pace.may_open(now + pause - 1ns, 0, 0)) << pause.count();
    EXPECT_EQ(pace.resumes(0), now + pause);
    now += pause;
    EXPECT_TRUE(pace.may_open(now, 0, 0));
    EXPECT_FALSE(pace.may_open(now, 1, 0));
  }
  EXPECT_TRUE(pace.limited());
}

// A limit once met is kept to: those below it that are lost are made anew soon, and one beyond it is tried after the
// pause.
TEST(connection_pace, keeps_to_a_limit) {
  connection_pace pace({});
  for (int n = 1; n <= 9; ++n) pace.opened(n);
  pace.refused(t0, 9);
  pace.refused(t0 + 100ms, 9);
  EXPECT_FALSE(pace.may_open(t0 + 199ms, 0, 8));
  EXPECT_TRUE(pace.may_open(t0 + 200ms, 0, 8));
  EXPECT_FALSE(pace.may_open(t0 + 200ms, 1, 7)) << "one after the other, until one comes about";
  pace.opened(8);
  EXPECT_TRUE(pace.may_open(t0 + 200ms, 1, 7));
  for (int i = 0; i < 100; ++i) pace.opened(9); // lost and made anew
  EXPECT_FALSE(pace.may_open(t0 + 299ms, 0, 9));
  EXPECT_EQ(pace.resumes(9), t0 + 300ms);
  EXPECT_TRUE(pace.may_open(t0 + 300ms, 0, 9));
  EXPECT_FALSE(pace.may_open(t0 + 300ms, 1, 9));
}

// A limit that is not met again is given up little by little: one refused connection does not hold a host back for
// good.
TEST(connection_pace, regression_a_limit_that_is_gone) {
  connection_pace pace({});
  for (int n = 1; n <= 64; ++n) pace.opened(n);
  pace.refused(t0, 20);
  for (int i = 0; i < 100; ++i) pace.opened(20);
  EXPECT_FALSE(pace.may_open(t0 + 200ms, 2, 20));
  EXPECT_TRUE(pace.may_open(t0 + 5s, 20, 44));
  EXPECT_TRUE(pace.may_open(t0 + 1h, 31, 1000));
  pace.refused(t0 + 1h, 1000);
  EXPECT_EQ(pace.resumes(1000), t0 + 1h + 100ms) << "as if it were the first";
}

// Whatever is tried, at most twenty a second are refused, by any number of schedulers together.
TEST(connection_pace, at_most_twenty_a_second) {
  for (const int shards : {1, 2, 4, 8}) {
    std::vector<connection_pace> paces(static_cast<std::size_t>(shards),
                                       connection_pace(share_of(connect_policy{}, shards)));
    int in_second = 0, most = 0;
    for (instant now = t0; now < t0 + 20s; now += 1ms) {
      if ((now - t0) % 1s == 0ns) in_second = 0;
      for (auto& pace : paces)
        for (int under_way = 0; pace.may_open(now, under_way, 0) && under_way < 100; ++under_way) {
          pace.refused(now, 0); // at once
          most = std::max(most, ++in_second);
        }
    }
    EXPECT_LE(most, 20) << shards;
  }
}

// After an outage it begins as at first.
TEST(connection_pace, restarts) {
  connection_pace pace({});
  pace.refused(t0, 0);
  pace.restart();
  EXPECT_TRUE(pace.may_open(t0, 7, 100));
  EXPECT_FALSE(pace.limited());
}

} // namespace
} // namespace hoist::core
