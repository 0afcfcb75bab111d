#include "core/schedule/shared_facts.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

// Twenty different files refused, and no ticket of use ever made: then it is not the files. A file counts once, and
// after a success nothing counts.
TEST(uniform_refusal, the_first_twenty_files) {
  uniform_refusal all;
  for (int i = 0; i < 19; ++i) {
    bool counted = false;
    EXPECT_FALSE(all.refused(counted)) << i;
    EXPECT_FALSE(all.refused(counted)) << "again the same file";
  }
  bool counted = false;
  EXPECT_TRUE(all.refused(counted));

  uniform_refusal some;
  for (int i = 0; i < 10; ++i) {
    bool each = false;
    some.refused(each);
  }
  some.served();
  for (int i = 0; i < 100; ++i) {
    bool each = false;
    EXPECT_FALSE(some.refused(each));
  }
}

// What one scheduler learns of a host's rate the others know.
TEST(shared_rate, is_learnt_once) {
  using namespace std::chrono_literals;
  shared_rate all;
  const instant t0 = instant{} + 1000s;
  EXPECT_FALSE(all.limited());
  for (int i = 0; i < 50; ++i) all.with([&](rate& r) { r.answered(t0 + i * 1ms, t0 + i * 1ms, i >= 20); });
  EXPECT_TRUE(all.limited());
  EXPECT_NEAR(all.with([](const rate& r) { return r.per_second(); }), 20, 1);
}

} // namespace
} // namespace hoist::core
