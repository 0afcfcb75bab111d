#include "engine/operation/run.hpp"

#include "core/base/limits.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <thread>

namespace hoist::engine {
namespace {

using namespace std::chrono_literals;
using core::limits::files_inside;
using core::limits::files_inside_max;

// A full batch takes in more once enough of its files are held up by a bad origin, and is told so.
TEST(room_of_a_run, those_held_up_do_not_count) {
  run full(batch{}, {}, core::instant{});
  for (std::size_t i = 0; i < files_inside; ++i) full.file_taken();
  std::atomic<std::size_t> held_up{0};
  auto room = std::async(std::launch::async, [&] { return full.wait_for_room(held_up); });
  while (!full.starved_of_room()) std::this_thread::yield();
  held_up = files_inside;
  full.room_grew();
  const bool told = room.wait_for(30s) == std::future_status::ready;
  full.request_stop(stop_mode::now);
  EXPECT_TRUE(told);
}

// They do beyond the bound of all, for sources in memory, and as far as files are settled and only wait to be told.
TEST(room_of_a_run, up_to_a_bound) {
  EXPECT_EQ(run::files_allowed(0, 4000, false), files_inside);
  EXPECT_EQ(run::files_allowed(1000, 4000, false), files_inside + 1000);
  EXPECT_EQ(run::files_allowed(1'000'000, 1'000'000, false), files_inside_max);
  EXPECT_EQ(run::files_allowed(1000, 4000, true), files_inside);
  EXPECT_EQ(run::files_allowed(1000, 3, false), files_inside + 3);
}

} // namespace
} // namespace hoist::engine
