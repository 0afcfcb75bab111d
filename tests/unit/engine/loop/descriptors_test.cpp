// How much of what is wished for fits into the process's descriptors.

#include "engine/loop/descriptors.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

// With room enough a wish is granted; without, PUTs and presigns share what there is, and one of each always goes. All
// of it together never holds more than is free.
TEST(within_descriptors, table) {
  const struct {
    request_limits wanted;
    std::int64_t free;
    int threads;
    request_limits fit;
  } cases[] = {{{32, 16}, 1000, 2, {32, 16}},
               {{500, 16}, 48, 2, {12, 8}},
               {{500, 500}, 48, 2, {12, 8}},
               {{32, 16}, 20, 4, {1, 1}},
               {{1, 1}, 1000, 1, {1, 1}},
               {{4096, 1024}, 1 << 20, 64, {4096, 1024}},
               {{32, 16}, descriptors_min, 1, {1, 1}}};
  for (const auto& c : cases) {
    const auto fit = within_descriptors(c.wanted, c.free, c.threads);
    EXPECT_EQ(fit.puts, c.fit.puts) << c.free;
    EXPECT_EQ(fit.presigns, c.fit.presigns) << c.free;
  }
  for (std::int64_t free = descriptors_min + descriptors_spare; free < 3000; ++free) {
    const int threads = threads_within(4, free);
    const auto fit = within_descriptors({4096, 4096}, free, threads);
    EXPECT_LE(2 * fit.puts + fit.presigns + descriptors_of_a_thread * threads + descriptors_spare, free) << free;
  }
}

// Where there are few, one thread has what there is.
TEST(threads_within, table) {
  EXPECT_EQ(threads_within(4, 16), 1);
  EXPECT_EQ(threads_within(4, 48), 1);
  EXPECT_EQ(threads_within(4, 60), 2);
  EXPECT_EQ(threads_within(4, 1000), 4);
  EXPECT_EQ(threads_within(1, 1000), 1);
}

} // namespace
} // namespace hoist::engine
