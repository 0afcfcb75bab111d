#include "core/base/server_clock.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

constexpr instant ours(millis since_start) {
  return instant{} + since_start;
}
constexpr wall_time theirs(millis since_epoch) {
  return wall_time{since_epoch};
}

// Before the first answer nothing is known.
TEST(server_clock, knows_nothing_at_first) {
  EXPECT_FALSE(server_clock{}.known());
}

struct one_answer_case {
  const char* name;
  millis sent, received, date, resolution;
  millis asked_for;         ///< a server time
  millis earliest_expected; ///< ours
};

// One answer: the server rounded its clock down at some moment between sent and received; the safe side of an expiry
// supposes the fastest server clock that fits.
TEST(server_clock, one_answer_bounds_the_offset) {
  const one_answer_case cases[] = {
      {"exact clock, no delay", 1000ms, 1000ms, 50'000ms, 0ms, 60'000ms, 11'000ms},
      {"resolution counts against us", 1000ms, 1000ms, 50'000ms, 1000ms, 60'000ms, 10'000ms},
      {"the round trip counts against us", 1000ms, 3000ms, 50'000ms, 0ms, 60'000ms, 11'000ms},
      {"server behind us", 100'000ms, 100'000ms, 50'000ms, 0ms, 60'000ms, 110'000ms},
      {"time already past", 1000ms, 1000ms, 50'000ms, 0ms, 40'000ms, -9'000ms},
  };
  for (const auto& c : cases) {
    server_clock clock;
    clock.observe(ours(c.sent), ours(c.received), theirs(c.date), c.resolution);
    ASSERT_TRUE(clock.known()) << c.name;
    EXPECT_EQ(clock.earliest(theirs(c.asked_for)), ours(c.earliest_expected)) << c.name;
  }
}

// The bounds of all answers are intersected: a slow answer does not spoil what a quick one told.
TEST(server_clock, answers_narrow_each_other) {
  server_clock clock;
  clock.observe(ours(0ms), ours(10ms), theirs(100'000ms), 1000ms);   // offset in [99.990, 101.000] s
  clock.observe(ours(5ms), ours(4000ms), theirs(100'000ms), 1000ms); // offset in [96.000, 100.995] s
  EXPECT_EQ(clock.earliest(theirs(200'995ms)), ours(100'000ms));
  clock.observe(ours(990ms), ours(1000ms), theirs(101'000ms), 1000ms); // offset in [100.000, 101.010] s
  EXPECT_EQ(clock.earliest(theirs(200'995ms)), ours(100'000ms));
  EXPECT_GE(clock.at(ours(0ms)), theirs(100'000ms));
  EXPECT_LE(clock.at(ours(0ms)), theirs(100'995ms));
}

// Whatever the seconds' edges and round trips, the true server time of an instant is never before `earliest` says.
TEST(server_clock, never_later_than_the_truth) {
  const millis offset = 1'700'000'123'456ms - 5'000ms;
  server_clock clock;
  for (int i = 0; i < 500; ++i) {
    const millis sent = 7ms * (i * 37 % 1000), read = sent + 1ms * (i % 40), received = read + 1ms * (i % 13);
    const auto date = std::chrono::floor<std::chrono::seconds>(read + offset);
    clock.observe(ours(sent), ours(received), theirs(date), 1000ms);
    EXPECT_LE(clock.earliest(theirs(60'000ms + offset)), ours(60'000ms)) << i;
  }
  EXPECT_GE(clock.earliest(theirs(60'000ms + offset)), ours(59'900ms)) << "and it became sharp";
}

// An answer that contradicts the earlier ones replaces them: a clock was set.
TEST(server_clock, a_set_clock_is_believed) {
  const millis shifts[] = {3'600'000ms, -3'600'000ms};
  for (const millis shift : shifts) {
    server_clock clock;
    clock.observe(ours(0ms), ours(10ms), theirs(10'000'000ms), 1000ms);
    clock.observe(ours(1000ms), ours(1000ms), theirs(10'001'000ms + shift), 0ms);
    EXPECT_EQ(clock.earliest(theirs(10'002'000ms + shift)), ours(2000ms));
    EXPECT_EQ(clock.at(ours(1000ms)), theirs(10'001'000ms + shift));
  }
}

// One backend of three is 40 minutes ahead, or one header in a row was garbled: the majority is believed. (regression:
// each such header turned the clock, and tickets that were valid were dead on arrival)
TEST(server_clock, regression_the_majority_is_believed) {
  for (const int every : {3, 5, 100}) {
    server_clock clock;
    for (int i = 0; i < 200; ++i) {
      const bool wrong = i % every == every - 1;
      clock.observe(ours(10ms * i), ours(10ms * i + 5ms), theirs(10'000'000ms + 10ms * i + (wrong ? 2'400'000ms : 0ms)),
                    1000ms);
      if (i < 3) continue;
      EXPECT_LE(clock.at(ours(0ms)), theirs(10'002'000ms)) << i << " of " << every;
    }
  }
}

// After the machine slept, or the server's clock was set, the new time is the majority soon.
TEST(server_clock, a_new_time_is_believed_soon) {
  server_clock clock;
  for (int i = 0; i < 50; ++i) clock.observe(ours(1s * i), ours(1s * i), theirs(10'000'000ms + 1s * i), 1000ms);
  for (int i = 50; i < 56; ++i) clock.observe(ours(1s * i), ours(1s * i), theirs(13'600'000ms + 1s * i), 1000ms);
  EXPECT_GE(clock.at(ours(0ms)), theirs(13'599'000ms));
}

// A date at the end of the calendar, which any answer may carry, does not overflow into nonsense.
TEST(server_clock, regression_dates_beyond_the_nanoseconds_range) {
  using namespace std::chrono;
  const sys_days extremes[] = {year{9999} / December / 31, year{1} / January / 1};
  for (const sys_days day : extremes) {
    server_clock clock;
    clock.observe(ours(0ms), ours(0ms), wall_time{sys_days{year{2026} / November / 22}}, 1000ms);
    const instant at = clock.earliest(wall_time{day});
    EXPECT_EQ(at > ours(0ms), day > sys_days{year{2026} / November / 22}) << "the order of times is kept";
  }
}

} // namespace
} // namespace hoist::core
