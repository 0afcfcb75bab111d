#include "cli/base/units.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

using std::chrono::milliseconds;

struct duration_case {
  const char* name;
  const char* input;
  std::int64_t expected_ms; ///< -1: refused
};

// A duration is a number and a unit; only zero needs no unit.
TEST(units, durations) {
  const duration_case cases[] = {
      {"milliseconds", "10ms", 10},
      {"seconds", "2s", 2000},
      {"minutes", "15m", 900'000},
      {"hours", "1h", 3'600'000},
      {"days", "2d", 172'800'000},
      {"fraction", "1.5s", 1500},
      {"zero", "0", 0},
      {"bare number", "5", -1},
      {"empty", "", -1},
      {"unit alone", "s", -1},
      {"unknown unit", "3w", -1},
      {"negative", "-3s", -1},
      {"space", "3 s", -1},
      {"two dots", "1.2.3s", -1},
      {"dot alone", ".s", -1},
      {"overflow", "99999999999999999999h", -1},
      {"too long", "200000d", -1},
  };
  for (const auto& c : cases) {
    const auto got = parse_duration(c.input);
    EXPECT_EQ(got ? got->count() : -1, c.expected_ms) << c.name;
  }
}

// Where it is asked for, a bare number is seconds.
TEST(units, bare_numbers_are_seconds_where_asked) {
  EXPECT_EQ(parse_duration("90", bare_number::seconds), milliseconds{90'000});
  EXPECT_EQ(parse_duration("0.5", bare_number::seconds), milliseconds{500});
  EXPECT_EQ(parse_duration("90ms", bare_number::seconds), milliseconds{90});
}

struct size_case {
  const char* name;
  const char* input;
  std::optional<std::uint64_t> expected;
};

// KiB is 1024, KB is 1000; case does not matter, and a bare number is bytes.
TEST(units, sizes) {
  const size_case cases[] = {
      {"bytes", "4096", 4096},
      {"kibibytes", "64KiB", 65536},
      {"kilobytes", "64kB", 64000},
      {"megabytes", "100MB", 100'000'000},
      {"fraction", "1.5GiB", 1'610'612'736},
      {"tenth", "0.1MB", 100'000},
      {"letter", "2K", 2000},
      {"empty", "", std::nullopt},
      {"unknown", "3XB", std::nullopt},
      {"overflow", "99999999TiB", std::nullopt},
      {"negative", "-1", std::nullopt},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_size(c.input), c.expected) << c.name;
}

// What people read is short and rounds to what they would say.
TEST(units, texts) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1500), "1.5 kB");
  EXPECT_EQ(size_text(999'999), "1.0 MB");
  EXPECT_EQ(size_text(123'456'789), "123 MB");
  EXPECT_EQ(clock_text(std::chrono::seconds{7}), "0:07");
  EXPECT_EQ(clock_text(std::chrono::seconds{3723}), "1:02:03");
  EXPECT_EQ(duration_text(milliseconds{350}), "350 ms");
  EXPECT_EQ(duration_text(milliseconds{12'300}), "12.3 s");
  EXPECT_EQ(duration_text(milliseconds{250'000}), "4 min 10 s");
}

} // namespace
} // namespace hoist::cli
