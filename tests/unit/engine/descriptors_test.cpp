// How much of what is wished for fits into the process's descriptors.

#include "engine/descriptors.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

// With room enough a wish is granted; without, PUTs and presigns share what there is, and one of each always goes.
TEST(within_descriptors, table) {
  const struct {
    request_limits wanted;
    std::uint64_t most;
    int threads;
    request_limits fit;
  } cases[] = {{{32, 16}, 1024, 2, {32, 16}}, {{500, 16}, 64, 2, {12, 8}}, {{500, 500}, 64, 2, {12, 8}},
               {{32, 16}, 20, 4, {1, 1}},     {{1, 1}, 1024, 1, {1, 1}},   {{4096, 1024}, ~std::uint64_t{0}, 64, {4096, 1024}}};
  for (const auto& c : cases) {
    const auto fit = within_descriptors(c.wanted, c.most, c.threads);
    EXPECT_EQ(fit.puts, c.fit.puts) << c.most;
    EXPECT_EQ(fit.presigns, c.fit.presigns) << c.most;
    if (c.most < (1u << 20) && c.most > 100) {
      EXPECT_LE(2 * static_cast<std::uint64_t>(fit.puts) + static_cast<std::uint64_t>(fit.presigns), c.most);
    }
  }
}

} // namespace
} // namespace hoist::engine
