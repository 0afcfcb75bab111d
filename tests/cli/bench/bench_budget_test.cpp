#include "cli/bench/bench_budget.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

using sizes = std::vector<std::uint64_t>;

// However measurements use what they are allowed, all of them together stay within both bounds.
TEST(bench_budget, is_never_exceeded) {
  const sizes all{4096, 262'144, 4'194'304};
  bench_budget budget({500'000'000, 5'000}, all.size());
  std::uint64_t bytes = 0, objects = 0;
  for (const auto size : all) {
    budget.begin_size(size);
    int measured = 0;
    for (int j = 1; j <= 256; j *= 2) {
      const auto allowed = budget.objects_for(j, std::nullopt);
      if (allowed == 0) break;
      EXPECT_GE(allowed, objects_needed(j));
      budget.spent(allowed);
      bytes += allowed * size;
      objects += allowed;
      ++measured;
    }
    EXPECT_GE(measured, 3) << size;
  }
  EXPECT_LE(bytes, 500'000'000U);
  EXPECT_LE(objects, 5'000U);
}

// What a size does not use is there for the next ones.
TEST(bench_budget, what_is_left_goes_on) {
  bench_budget budget({1'000'000, 1'000}, 2);
  budget.begin_size(1'000);
  EXPECT_EQ(budget.objects_for(1, 501), 0U) << "half of the bytes are the other size's";
  EXPECT_EQ(budget.objects_for(1, 500), 500U);
  budget.spent(100);
  budget.begin_size(1'000);
  EXPECT_EQ(budget.objects_for(1, 900), 900U);
  EXPECT_EQ(budget.objects_for(1, 901), 0U);
}

// A measurement that could say nothing with what is left is not begun at all.
TEST(bench_budget, too_little_is_nothing) {
  bench_budget budget({1'000'000'000, 100}, 1);
  budget.begin_size(1);
  EXPECT_EQ(budget.objects_for(25, std::nullopt), 100U);
  EXPECT_EQ(budget.objects_for(26, std::nullopt), 0U);
}

// What is said beforehand is a bound, and no larger than it has to be.
TEST(bench_budget, most_sent) {
  const sizes two{1'000, 2'000};
  struct {
    const char* name;
    bench_limits allowed;
    std::optional<std::uint64_t> wanted;
    bench_limits expected;
  } const cases[] = {
      {"by bytes", {10'000, 1'000'000}, std::nullopt, {10'000, 1'000'000}},
      {"by objects", {1'000'000'000, 10}, std::nullopt, {30'000, 10}},
      {"by count", {1'000'000'000, 1'000'000}, 5, {3 * 5 * 3'000, 2 * 3 * 5}},
      {"a count beyond the bytes", {7'000, 1'000'000}, 5, {7'000, 30}},
  };
  for (const auto& c : cases) {
    const auto most = most_sent(c.allowed, two, 3, c.wanted);
    EXPECT_EQ(most.bytes, c.expected.bytes) << c.name;
    EXPECT_EQ(most.objects, c.expected.objects) << c.name;
  }
}

} // namespace
} // namespace hoist::cli
