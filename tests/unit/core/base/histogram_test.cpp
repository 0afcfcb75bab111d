#include "core/base/histogram.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using micros = histogram::micros;

histogram of(std::initializer_list<micros> values) {
  histogram h;
  for (const auto v : values) h.add(v);
  return h;
}

// With nothing in it, there is no quantile but 0.
TEST(histogram, empty) {
  EXPECT_EQ(histogram{}.count(), 0u);
  EXPECT_EQ(histogram{}.quantile(0.99), 0us);
}

// A quantile is never below the value it stands for, and at most an eighth above it; small values are exact.
TEST(histogram, right_to_an_eighth) {
  for (std::int64_t v = 0; v < 16; ++v) EXPECT_EQ(of({micros{v}}).quantile(1), micros{v});
  for (const micros v : {17us, 100us, 999us, 1000us, 65'535us, 65'536us, 180'000us, 1'000'000us, 900'000'000us}) {
    const auto q = of({v}).quantile(1);
    EXPECT_GE(q, v);
    EXPECT_LE(q.count(), v.count() + v.count() / 8) << v.count();
  }
}

struct quantile_case {
  double q;
  std::int64_t exact;
};

// Of 1 to 1000, the quantile q is 1000 q, to an eighth.
TEST(histogram, quantiles) {
  histogram h;
  for (std::int64_t v = 1; v <= 1000; ++v) h.add(micros{v});
  EXPECT_EQ(h.count(), 1000u);
  for (const auto& c : {quantile_case{0.001, 1}, {0.5, 500}, {0.9, 900}, {0.99, 990}, {1.0, 1000}}) {
    EXPECT_GE(h.quantile(c.q).count(), c.exact) << c.q;
    EXPECT_LE(h.quantile(c.q).count(), c.exact + c.exact / 8) << c.q;
  }
  EXPECT_EQ(h.quantile(0), 1us) << "the smallest";
}

// One slow answer in a hundred is not in the median, and is in the maximum.
TEST(histogram, the_tail_is_told_apart) {
  histogram h;
  for (int i = 0; i < 99; ++i) h.add(1ms);
  h.add(2s);
  EXPECT_LE(h.quantile(0.99), 1125us);
  EXPECT_GE(h.quantile(0.995), 2s);
}

// What cannot be is counted at the end where it belongs: a negative time as none, days as the longest.
TEST(histogram, out_of_range) {
  EXPECT_EQ(of({-5us}).quantile(1), 0us);
  EXPECT_GE(of({micros{48h}}).quantile(1), 1h);
  EXPECT_EQ(of({micros{48h}, micros{4800h}}).count(), 2u);
}

// Two merged are as one to which everything was added.
TEST(histogram, merges) {
  auto both = of({1us, 500us, 3ms});
  both.merge(of({500us, 9s}));
  const auto one = of({1us, 500us, 3ms, 500us, 9s});
  EXPECT_EQ(both.count(), 5u);
  for (const double q : {0.0, 0.3, 0.5, 0.7, 0.9, 1.0}) EXPECT_EQ(both.quantile(q), one.quantile(q)) << q;
}

} // namespace
} // namespace hoist::core
