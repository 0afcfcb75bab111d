#include "core/pace/window.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <queue>
#include <vector>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

/// A window's worth of requests against a host with a latency and a capacity; there is always more to send.
class closed_loop {
 public:
  explicit closed_loop(window_range range) : tested(range) {}

  window tested;
  std::chrono::nanoseconds latency = 50ms;
  double capacity = 1e9;  ///< requests a second
  bool more_to_do = true; ///< than what is in flight
  instant now = instant{} + 1000s;

  void run(std::chrono::nanoseconds time) {
    const instant end = now + time;
    fill();
    while (!answers_.empty() && answers_.top().at <= end) {
      const auto a = answers_.top();
      answers_.pop();
      now = a.at;
      ++done;
      tested.answered(now - a.begun);
      tested.ended(a.begun, now, static_cast<int>(answers_.size()), 1);
      fill();
    }
    now = end;
  }
  int in_flight() const { return static_cast<int>(answers_.size()); }

  int done = 0;

 private:
  struct answer {
    instant at, begun;
    friend bool operator>(const answer& a, const answer& b) { return a.at > b.at; }
  };

  void fill() {
    while (in_flight() < tested.size() && (more_to_do || answers_.empty())) {
      free_at_ = std::max(free_at_, now) + std::chrono::nanoseconds{static_cast<std::int64_t>(1e9 / capacity)};
      answers_.push({free_at_ + latency, now});
    }
    if (more_to_do) tested.held(now, {}, in_flight());
  }

  std::priority_queue<answer, std::vector<answer>, std::greater<>> answers_;
  instant free_at_{};
};

constexpr window_range adaptive(int min, int start, int max) {
  return {min, start, max, true};
}

// A size that was given is kept, whatever comes.
TEST(window, fixed) {
  closed_loop loop({1, 8, 32, false});
  loop.capacity = 100;
  EXPECT_EQ(loop.tested.size(), 32);
  loop.run(1min);
  EXPECT_EQ(loop.tested.size(), 32);
  loop.tested.crowded(3, loop.now);
  EXPECT_EQ(loop.tested.size(), 32);
}

// It begins at its start, or where its bounds allow.
TEST(window, begins_small) {
  EXPECT_EQ(window(adaptive(1, 8, 512)).size(), 8);
  EXPECT_EQ(window(adaptive(1, 8, 4)).size(), 4);
  EXPECT_EQ(window(adaptive(16, 8, 512)).size(), 16);
}

// Where each answer takes 50 ms, several hundred are in flight within two seconds, and as many as may be in the end.
TEST(window, doubles_while_that_brings_more) {
  closed_loop loop(adaptive(1, 8, 1024));
  loop.run(2s);
  EXPECT_GE(loop.in_flight(), 500);
  loop.run(2s);
  EXPECT_EQ(loop.tested.size(), 1024);
}

struct capacity_case {
  double capacity;
  std::chrono::microseconds latency;
};

// It stops where more in flight brings no more: enough for all the host can do, and not many times that.
TEST(window, settles_at_the_hosts_capacity) {
  for (const auto& c : {capacity_case{1000, 50ms}, {1000, 5ms}, {40'000, 100us}, {40'000, 10ms}, {200, 200ms}}) {
    closed_loop loop(adaptive(1, 8, 1024));
    loop.capacity = c.capacity;
    loop.latency = c.latency;
    loop.run(5s);
    const int before = loop.done;
    loop.run(30s);
    EXPECT_GE(loop.done - before, 30 * c.capacity * 0.95) << c.capacity << "/s, " << c.latency.count() << " us";
    const double needed = c.capacity * std::chrono::duration<double>(c.latency).count();
    EXPECT_LE(loop.tested.size(), std::max(16.0, 4 * needed)) << c.capacity << "/s, " << c.latency.count() << " us";
  }
}

// A window that does not hold anything back proves nothing by what gets done, and stays.
TEST(window, does_not_grow_unless_it_holds_us) {
  closed_loop loop(adaptive(1, 8, 1024));
  loop.more_to_do = false;
  loop.run(10s);
  EXPECT_EQ(loop.tested.size(), 8);
}

// Small files that are not slowed down by large ones beside them do not open the window wide: the large ones share a
// line.
TEST(window, regression_large_files_among_small_ones) {
  struct file {
    instant begun;
    double left; ///< bytes, of a large one
    double work;
  };
  constexpr double line = 100e6; // bytes a second
  window w(adaptive(4, 8, 1024));
  std::vector<file> in_flight;
  instant now = instant{} + 1000s;
  for (int n = 0, ms = 0; ms < 30'000; ++ms, now += 1ms) {
    for (; std::ssize(in_flight) < w.size(); ++n) {
      const double bytes = n % 3 == 0 ? 20e6 : 0;
      in_flight.push_back({now, bytes, 1 + bytes / 65536});
    }
    w.held(now, 5ms, static_cast<int>(in_flight.size()));
    const auto large = std::ranges::count_if(in_flight, [](const file& f) { return f.work > 1; });
    for (auto& f : in_flight) f.left -= line / 1000 / static_cast<double>(std::max<std::ptrdiff_t>(large, 1));
    for (std::size_t i = 0; i < in_flight.size(); ++i) {
      const file f = in_flight[i];
      if (f.left > 0 || now - f.begun < 25ms) continue;
      in_flight.erase(in_flight.begin() + static_cast<std::ptrdiff_t>(i--));
      w.answered(now - f.begun);
      w.ended(f.begun, now, static_cast<int>(in_flight.size()), f.work);
    }
  }
  EXPECT_LE(w.size(), 64);
}

// A host that becomes faster, or farther away, is met with more within half a minute.
TEST(window, grows_when_the_host_changes) {
  closed_loop loop(adaptive(1, 8, 1024));
  loop.capacity = 500;
  loop.run(10s);
  ASSERT_LE(loop.tested.size(), 100);
  loop.capacity = 5000;
  loop.run(30s);
  EXPECT_GE(loop.tested.size(), 200) << "faster";

  closed_loop farther(adaptive(1, 8, 1024));
  farther.capacity = 10'000;
  farther.latency = 1ms;
  farther.run(10s);
  ASSERT_LE(farther.tested.size(), 64);
  farther.latency = 50ms;
  farther.run(30s);
  EXPECT_GE(farther.tested.size(), 400) << "farther away";
}

// A host that becomes slower, so that what is in flight only queues there, is met with less.
TEST(window, shrinks_when_answers_take_longer_and_no_more_gets_done) {
  closed_loop loop(adaptive(1, 8, 1024));
  loop.capacity = 10'000;
  loop.latency = 20ms;
  loop.run(10s);
  const int before = loop.tested.size();
  ASSERT_GE(before, 128);
  loop.capacity = 500; // 10 in flight would do
  loop.run(60s);
  EXPECT_LE(loop.tested.size(), before / 4);
  const int done = loop.done;
  loop.run(20s);
  EXPECT_GE(loop.done - done, 20 * 500 * 0.95) << "and nothing is lost by it";
}

// After an outage it begins small, and is soon what it was; one that was given, too.
TEST(window, restarts_small) {
  for (const bool adapts : {true, false}) {
    closed_loop loop({1, 8, 256, adapts});
    loop.run(5s);
    ASSERT_EQ(loop.tested.size(), 256);
    loop.tested.restart();
    EXPECT_EQ(loop.tested.size(), 8);
    loop.run(200ms);
    EXPECT_LE(loop.tested.size(), 64);
    loop.run(3s);
    EXPECT_EQ(loop.tested.size(), 256);
  }
}

// A second outage during the recovery does not make it forget what it was.
TEST(window, restarts_twice) {
  closed_loop loop({1, 8, 256, false});
  loop.run(1s);
  loop.tested.restart();
  loop.run(200ms);
  loop.tested.restart();
  EXPECT_EQ(loop.tested.size(), 8);
  loop.run(5s);
  EXPECT_EQ(loop.tested.size(), 256);
}

// Where descriptors run out it is no larger than what could be had, and never smaller than its least.
TEST(window, crowded) {
  closed_loop loop(adaptive(4, 8, 1024));
  loop.run(3s);
  ASSERT_EQ(loop.tested.size(), 1024);
  loop.tested.crowded(60, loop.now);
  EXPECT_EQ(loop.tested.size(), 60);
  loop.tested.crowded(2, loop.now);
  EXPECT_EQ(loop.tested.size(), 4);
}

// A far host that fails its first requests, and some of the others, does not end the opening by that.
TEST(window, failures_do_not_end_the_opening) {
  window w(adaptive(1, 8, 1024));
  instant now = instant{} + 1000s;
  for (int round = 0; round < 12; ++round) {
    w.held(now, {}, w.size());
    const instant begun = now;
    now += 50ms;
    const int n = w.size();
    for (int i = 0; i < n; ++i) w.ended(begun, now, n - 1 - i, round == 0 || i % 16 == 0 ? 0 : 1);
  }
  EXPECT_GE(w.size(), 512);
}

// One request that stalls does not stall the window.
TEST(window, stragglers_are_not_awaited) {
  window w(adaptive(1, 8, 1024));
  instant now = instant{} + 1000s;
  w.held(now, {}, w.size());
  for (int round = 0; round < 40; ++round) { // 7 of 8 come back every 50 ms, the eighth never
    const instant begun = now;
    now += 50ms;
    for (int i = 0; i < w.size() - 1; ++i) {
      w.answered(now - begun);
      w.ended(begun, now, w.size() - 1 - i, 1);
    }
    w.held(now, {}, w.size());
  }
  EXPECT_GE(w.size(), 512);
}

} // namespace
} // namespace hoist::core
