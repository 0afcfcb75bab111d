#include "core/base/ring.hpp"

#include "core/base/random.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace hoist::core {
namespace {

// Whatever is done to it, it holds what a deque holds.
TEST(ring, behaves_as_a_deque) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    random rng(seed);
    ring<int> tested;
    std::deque<int> model;
    for (int step = 0; step < 2000; ++step) {
      switch (rng.up_to(seed % 2 == 0 ? 4 : 5)) {
      case 0:
      case 5:
        tested.push_back(step);
        model.push_back(step);
        break;
      case 1:
        tested.push_front(step);
        model.push_front(step);
        break;
      case 2:
      case 3:
        if (model.empty()) break;
        ASSERT_EQ(tested.front(), model.front()) << seed;
        ASSERT_EQ(tested.pop_front(), model.front()) << seed;
        model.pop_front();
        break;
      case 4: {
        const int victim = static_cast<int>(rng.up_to(step));
        const auto at = std::find(model.begin(), model.end(), victim);
        ASSERT_EQ(tested.erase(victim), at != model.end()) << seed;
        if (at != model.end()) model.erase(at);
        break;
      }
      }
      ASSERT_EQ(tested.size(), model.size()) << seed;
      ASSERT_EQ(tested.empty(), model.empty()) << seed;
      for (std::size_t i = 0; i < model.size(); ++i) ASSERT_EQ(tested[i], model[i]) << seed;
    }
  }
}

// Of equal elements the first is taken out; one that is not there changes nothing, also in a ring never used.
TEST(ring, erase) {
  ring<int> r;
  EXPECT_FALSE(r.erase(1));
  for (int i : {1, 2, 1, 3}) r.push_back(i);
  EXPECT_FALSE(r.erase(9));
  EXPECT_TRUE(r.erase(1));
  EXPECT_EQ(r.pop_front(), 2);
  EXPECT_EQ(r.pop_front(), 1);
  EXPECT_EQ(r.pop_front(), 3);
}

// Elements that can only be moved travel through growth in order.
TEST(ring, move_only) {
  ring<std::unique_ptr<int>> r;
  for (int i = 0; i < 10; ++i) r.push_back(std::make_unique<int>(-1));
  for (int i = 0; i < 10; ++i) r.pop_front();
  for (int i = 0; i < 100; ++i) r.push_back(std::make_unique<int>(i));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(*r.pop_front(), i);
}

} // namespace
} // namespace hoist::core
