#include "core/pace/backoff.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

struct jitter_case {
  const char* name;
  backoff_range range;
  int n;
  millis ceiling;
};

// Full jitter: each wait is in [0, min(cap, base * 2^n)], reaches far up and far down, and no n overflows.
TEST(backoff, full_jitter) {
  constexpr int most = std::numeric_limits<int>::max();
  const jitter_case cases[] = {
      {"first", {100ms, 20'000ms}, 0, 100ms},
      {"third", {100ms, 20'000ms}, 2, 400ms},
      {"just below the cap", {100ms, 20'000ms}, 7, 12'800ms},
      {"capped", {100ms, 20'000ms}, 8, 20'000ms},
      {"shift width", {100ms, 20'000ms}, 64, 20'000ms},
      {"n extreme", {100ms, 20'000ms}, most, 20'000ms},
      {"n negative is n zero", {100ms, 20'000ms}, -5, 100ms},
      {"throttled", {1000ms, 20'000ms}, 1, 2000ms},
      {"base above the cap", {30'000ms, 20'000ms}, 0, 20'000ms},
      {"an hour's base", {3'600'000ms, 20'000ms}, most, 20'000ms},
  };
  for (const auto& c : cases) {
    random rng(42);
    millis least = c.ceiling, most_seen = 0ms;
    for (int i = 0; i < 2000; ++i) {
      const millis wait = backoff(c.range, c.n, {}, rng);
      ASSERT_GE(wait, 0ms) << c.name;
      ASSERT_LE(wait, c.ceiling) << c.name;
      least = std::min(least, wait);
      most_seen = std::max(most_seen, wait);
    }
    EXPECT_LT(least, c.ceiling / 20 + 1ms) << c.name;
    EXPECT_GT(most_seen, c.ceiling * 19 / 20) << c.name;
  }
}

// No wait at all is a legal configuration.
TEST(backoff, zero_base_and_zero_cap) {
  random rng(1);
  EXPECT_EQ(backoff({0ms, 20'000ms}, 9, {}, rng), 0ms);
  EXPECT_EQ(backoff({100ms, 0ms}, 9, {}, rng), 0ms);
  EXPECT_EQ(backoff({0ms, 0ms}, 9, 7000ms, rng), 7000ms);
}

struct retry_after_case {
  const char* name;
  millis asked, at_least, at_most;
};

// What the server asked for is waited for, with the first step's jitter on top; a past time asks for nothing; more than
// an hour is an hour.
TEST(backoff, retry_after) {
  const retry_after_case cases[] = {
      {"seven seconds", 7000ms, 7000ms, 8000ms},
      {"nothing", 0ms, 0ms, 1000ms},
      {"negative", -5000ms, 0ms, 1000ms},
      {"an hour", 3'600'000ms, 3'600'000ms, 3'601'000ms},
      {"a year", 31'536'000'000ms, 3'600'000ms, 3'601'000ms},
      {"for ever", millis::max(), 3'600'000ms, 3'601'000ms},
      {"least there is", millis::min(), 0ms, 1000ms},
  };
  for (const auto& c : cases) {
    random rng(7);
    for (int i = 0; i < 500; ++i) {
      const millis wait = backoff({1000ms, 20'000ms}, 0, c.asked, rng);
      ASSERT_GE(wait, c.at_least) << c.name;
      ASSERT_LE(wait, c.at_most) << c.name;
    }
  }
}

// Retry-After never makes a wait shorter than the computed jitter.
TEST(backoff, retry_after_does_not_shorten) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    random with(seed), without(seed);
    EXPECT_GE(backoff({100ms, 20'000ms}, 9, 1ms, with), backoff({100ms, 20'000ms}, 9, {}, without)) << seed;
  }
}

// A seed replays exactly.
TEST(backoff, a_seed_replays) {
  random a(99), b(99);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(backoff({}, i, {}, a), backoff({}, i, {}, b));
}

} // namespace
} // namespace hoist::core
