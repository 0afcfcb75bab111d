// Threads that end by themselves and are joined when there is an occasion.

#include "engine/loop/crew.hpp"

#include "gate.hpp"

#include <gtest/gtest.h>

#include <atomic>

namespace hoist::engine {
namespace {

// Whatever was begun is done when join returns, also what was begun by one of the crew; it may be joined again.
TEST(crew, join_waits_for_all) {
  std::atomic<int> done{0};
  crew tested;
  test::tally begun;
  for (int i = 0; i < 5; ++i)
    tested.start([&] {
      tested.start([&] { ++done; });
      ++done;
      begun.add();
    });
  ASSERT_TRUE(begun.reaches(5));
  tested.join();
  EXPECT_EQ(done, 10);
  tested.join();
  tested.start([&] { ++done; });
  tested.join();
  EXPECT_EQ(done, 11);
}

// One that is at work for long is in nobody's way: others come and go.
TEST(crew, the_long_and_the_short) {
  test::gate door{test::gate::closed};
  crew tested;
  tested.start([&] { door.wait(); });
  test::tally done;
  for (int i = 0; i < 100; ++i) {
    tested.start([&] { done.add(); });
    ASSERT_TRUE(done.reaches(i + 1));
  }
  door.let_pass();
}

} // namespace
} // namespace hoist::engine
