#include "cli/rows/progress.hpp"

#include "cli/rows/progress_display.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

progress_view half_way() {
  progress_view view;
  view.settled = 500;
  view.failed = 2;
  view.total = 1000;
  view.bytes_done = 1'500'000;
  view.bytes_per_second = 250'000;
  view.files_per_second = 100;
  view.in_flight = 16;
  view.retries = 3;
  return view;
}

// A wide terminal shows everything, a narrow one what matters most.
TEST(progress, bar) {
  EXPECT_EQ(bar_line(half_way(), 120),
            "[##########..........]  500/1000 files 50%  2 failed  1.5 MB 250 kB/s  ETA 0:05  "
            "100 files/s  16 in flight  3 retries");
  EXPECT_EQ(bar_line(half_way(), 40), "500/1000 files 50%  2 failed");
  EXPECT_EQ(bar_line(half_way(), 5), "");
}

// While something is waited for, that is what the bar says, and as much of it as there is room for.
TEST(progress, waiting) {
  using namespace std::chrono_literals;
  auto view = half_way();
  view.waits_for = waiting_text({"storage cdn.example", "Connection refused", 35'000ms, 4'200ms});
  EXPECT_EQ(bar_line(view, 120), "50%  waiting for storage cdn.example: Connection refused, 35 s; next try in 4 s");
  EXPECT_EQ(bar_line(view, 40), "50%  waiting for storage cdn.example...");
  EXPECT_NE(plain_line(view).find("waiting for storage cdn.example: Connection refused, 35 s; next try in 4 s, "),
            std::string::npos);
  EXPECT_EQ(waiting_text({"its turn", "", 500ms, {}}), "waiting for its turn, 1 s");
  for (std::size_t width = 0; width < 150; ++width) EXPECT_LE(bar_line(view, width).size(), width == 0 ? 0 : width - 1);
}

// A bar never wraps, however narrow the terminal.
TEST(progress, bar_never_wraps) {
  for (std::size_t width = 0; width < 150; ++width)
    EXPECT_LE(bar_line(half_way(), width).size(), width == 0 ? 0 : width - 1);
}

// While the listing goes on nobody knows the end: no percentage, no time left.
TEST(progress, open_end) {
  auto view = half_way();
  view.total.reset();
  EXPECT_EQ(plain_line(view), "progress: 500 files, 2 failed, 1.5 MB 250 kB/s, 100 files/s, 16 in flight, 3 retries");
  EXPECT_FALSE(time_left(view));
}

// A log line holds no control character, and 100 % means all.
TEST(progress, plain) {
  auto view = half_way();
  view.settled = 999;
  EXPECT_NE(plain_line(view).find("99%"), std::string::npos);
  view.settled = 1000;
  EXPECT_NE(plain_line(view).find("100%"), std::string::npos);
  for (const char c : plain_line(view)) EXPECT_GE(c, 0x20);
}

// Rates tell of the last seconds.
TEST(progress, rates) {
  using namespace std::chrono_literals;
  rate_meter meter;
  const rate_meter::time_point start{};
  EXPECT_EQ(meter.files_per_second(), 0);
  meter.add(start, 0, 0);
  meter.add(start + 2s, 20, 2000);
  EXPECT_DOUBLE_EQ(meter.files_per_second(), 10);
  EXPECT_DOUBLE_EQ(meter.bytes_per_second(), 1000);
  for (int i = 3; i <= 30; ++i) meter.add(start + std::chrono::seconds(i), 20, 2000);
  EXPECT_DOUBLE_EQ(meter.files_per_second(), 0) << "what was long ago no longer counts";
}

// A bar is drawn only where it can be, and by itself only where no rows get in its way.
TEST(progress, shapes) {
  using shape = progress_display::shape;
  EXPECT_EQ(progress_display::choose(progress_mode::automatic, {true, false}), shape::bar);
  EXPECT_EQ(progress_display::choose(progress_mode::automatic, {true, true}), shape::none);
  EXPECT_EQ(progress_display::choose(progress_mode::automatic, {false, false}), shape::plain);
  EXPECT_EQ(progress_display::choose(progress_mode::bar, {true, true}), shape::bar);
  EXPECT_EQ(progress_display::choose(progress_mode::bar, {false, true}), shape::plain);
  EXPECT_EQ(progress_display::choose(progress_mode::none, {true, false}), shape::none);
}

} // namespace
} // namespace hoist::cli
