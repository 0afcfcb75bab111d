#include "server/base/quantity.hpp"

#include <gtest/gtest.h>

#include "server/base/rate_gate.hpp"

namespace hoist::server {
namespace {

using std::chrono::milliseconds;

// Durations carry a unit; a bare number is seconds.
TEST(quantity, durations) {
  EXPECT_EQ(parse_duration("10ms"), milliseconds{10});
  EXPECT_EQ(parse_duration("2s"), milliseconds{2000});
  EXPECT_EQ(parse_duration("15m"), milliseconds{900'000});
  EXPECT_EQ(parse_duration("180d"), milliseconds{15'552'000'000});
  EXPECT_EQ(parse_duration("900"), milliseconds{900'000});
  for (const auto* text : {"", "s", "-1s", "1.5s", "1 s", "1x", "99999999999999999999s", "9223372036854775807d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

// K, M and G are powers of ten, Ki, Mi and Gi powers of two.
TEST(quantity, sizes_and_rates) {
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("100MB"), 100'000'000U);
  EXPECT_EQ(parse_size("104857600"), 104'857'600U);
  EXPECT_EQ(parse_rate("50MB/s"), 50'000'000U);
  EXPECT_FALSE(parse_rate("50MB"));
  EXPECT_FALSE(parse_size("1TB"));
  EXPECT_FALSE(parse_size("-1"));
}

// Over any stretch of time the gate lets through its rate, whoever asks.
TEST(rate_gate, holds_the_rate) {
  rate_gate gate(1'000'000);
  std::chrono::nanoseconds now{1'000'000'000};
  const auto start = now;
  for (int i = 0; i < 100; ++i) now += gate.charge(10'000, now);
  EXPECT_NEAR(static_cast<double>((now - start).count()), 1e9, 2e7);
}

// A gate that was idle hands out five milliseconds' worth at most of what it saved up.
TEST(rate_gate, does_not_save_up) {
  rate_gate gate(1'000'000);
  (void)gate.charge(1, std::chrono::seconds{1});
  EXPECT_EQ(gate.charge(1'000'000, std::chrono::seconds{100}), std::chrono::milliseconds{995});
}

} // namespace
} // namespace hoist::server
