#include "cli/bench/bench_meter.hpp"

#include "cli/bench/machine_load.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;
using time_point = bench_meter::time_point;

constexpr time_point start{};

struct fake_machine {
  resource_use now;
  int looks = 0;
  std::function<resource_use()> look() {
    return [this] {
      ++looks;
      return now;
    };
  }
};

/// Told at once.
void done(bench_meter& meter, time_point at, std::chrono::microseconds presign, std::chrono::microseconds put) {
  meter.done(at, at, presign, put);
}

// Percentiles are values that occurred, by rank.
TEST(bench_meter, percentiles) {
  std::vector<std::uint32_t> hundred(100);
  std::iota(hundred.rbegin(), hundred.rend(), 1U);
  const auto p = percentiles_of(hundred);
  EXPECT_EQ((std::array{p.p50, p.p90, p.p99}), (std::array<std::uint64_t, 3>{50, 90, 99}));
  std::vector<std::uint32_t> one{7}, none;
  EXPECT_EQ(percentiles_of(one).p99, 7U);
  EXPECT_EQ(percentiles_of(none).p50, 0U);
}

// Connections are made in the warm-up: its slow objects are neither in the rate nor in the latencies.
TEST(bench_meter, warm_up_does_not_count) {
  fake_machine machine;
  bench_meter meter({1'000, 2, 100, 0ms}, start, machine.look());
  for (int i = 0; i < 100; ++i) meter.began();
  auto now = start;
  for (int i = 0; i < 10; ++i) done(meter, now += 1s, 900ms, 900ms);
  for (int i = 0; i < 50; ++i) done(meter, now += 10ms, 3ms, 5ms);
  const auto cell = meter.result();
  EXPECT_EQ(cell.objects, 50U);
  EXPECT_EQ(cell.all_done, 60U);
  EXPECT_NEAR(cell.objects_per_second(), 100, 1e-6);
  EXPECT_NEAR(cell.bytes_per_second(), 100'000, 1e-3);
  EXPECT_EQ(cell.presign.p99, 3'000U);
  EXPECT_EQ(cell.put.p99, 5'000U);
}

// The warm-up lasts a tenth of the time, and never less than one object for each connection.
TEST(bench_meter, warm_up_is_long_enough) {
  fake_machine machine;
  bench_meter meter({1, 4, 1'000'000, 10s}, start, machine.look());
  for (int i = 0; i < 3; ++i) done(meter, start + 5s, 1ms, 1ms);
  EXPECT_EQ(machine.looks, 0) << "a connection has done nothing yet";
  done(meter, start + 5s, 1ms, 1ms);
  EXPECT_EQ(machine.looks, 1);

  bench_meter early({1, 1, 1'000'000, 10s}, start, machine.look());
  done(early, start + 999ms, 1ms, 1ms);
  EXPECT_EQ(machine.looks, 1);
  done(early, start + 1000ms, 1ms, 1ms);
  EXPECT_EQ(machine.looks, 2);
}

// When nothing is left to begin, places fall empty one by one: that part is not counted, or the rate would be too low.
TEST(bench_meter, the_tail_does_not_count) {
  fake_machine machine;
  bench_meter meter({1, 4, 40, 0ms}, start, machine.look());
  for (int i = 0; i < 40; ++i) meter.began();
  meter.source_ended();
  auto now = start;
  for (int i = 0; i < 37; ++i) done(meter, now += 10ms, 1ms, 1ms);
  for (int i = 0; i < 3; ++i) done(meter, now += 10s, 1ms, 1ms);
  EXPECT_NEAR(meter.result().objects_per_second(), 100, 1e-6);
}

// The news of objects comes in late and in groups. What counts is when they were done, or a group at an edge would be
// counted without its time.
TEST(bench_meter, regression_news_that_comes_in_groups) {
  fake_machine machine;
  bench_meter meter({1, 1, 1'000, 0ms}, start, machine.look());
  auto at = start;
  for (int group = 0; group < 100; ++group) {
    const auto told = at + 109ms;
    for (int i = 0; i < 10; ++i) meter.done(told, at += 10ms, 1ms, 1ms);
  }
  EXPECT_NEAR(meter.result().objects_per_second(), 100, 1e-6);
}

// Two threads' news may come in out of turn: what was done before counting began is not counted, and no time is lost.
TEST(bench_meter, news_out_of_turn) {
  fake_machine machine;
  bench_meter meter({1, 1, 10, 0ms}, start, machine.look());
  meter.done(start + 60ms, start + 50ms, 1ms, 1ms);
  meter.done(start + 60ms, start + 40ms, 9ms, 9ms);
  meter.done(start + 90ms, start + 80ms, 1ms, 1ms);
  meter.done(start + 90ms, start + 70ms, 1ms, 1ms);
  const auto cell = meter.result();
  EXPECT_EQ(cell.objects, 2U);
  EXPECT_EQ(cell.all_done, 4U);
  EXPECT_NEAR(cell.seconds, 0.03, 1e-9);
  EXPECT_EQ(cell.put.p99, 1'000U);
}

// What comes in after the time was up does not count either, but is told as made.
TEST(bench_meter, closed) {
  fake_machine machine;
  bench_meter meter({1, 1, 1'000, 1s}, start, machine.look());
  for (int i = 1; i <= 10; ++i) done(meter, start + i * 100ms, 1ms, 1ms);
  meter.close(start + 1s);
  done(meter, start + 9s, 8s, 8s);
  const auto cell = meter.result();
  EXPECT_EQ(cell.objects, 9U);
  EXPECT_EQ(cell.all_done, 11U);
  EXPECT_EQ(cell.put.p99, 1'000U);
  EXPECT_TRUE(cell.few_samples());
}

// The process's time is spread over what was counted; the machine's share is that of all its processors.
TEST(bench_meter, use_of_the_machine) {
  fake_machine machine;
  bench_meter meter({1, 1, 1'000, 1s}, start, machine.look());
  machine.now = {100ms, 1'000, 10'000};
  done(meter, start + 1s, 1ms, 1ms);
  for (int i = 1; i <= 100; ++i) done(meter, start + 1s + i * 10ms, 1ms, 1ms);
  machine.now = {600ms, 1'150, 10'200};
  meter.close(start + 2s);
  const auto cell = meter.result();
  EXPECT_NEAR(cell.cores_used, 0.5, 1e-9);
  EXPECT_NEAR(cell.cpu_us_per_object, 5'000, 1e-6);
  EXPECT_NEAR(cell.machine_busy, 0.75, 1e-9);
}

// What came in with a single group leaves no time between the looks at the machine: they say nothing, rather than
// anything.
TEST(bench_meter, regression_looks_that_are_too_close) {
  fake_machine machine;
  bench_meter meter({1, 1, 100, 1s}, start, machine.look());
  meter.done(start + 200ms, start + 150ms, 1ms, 1ms);
  machine.now = {5ms, 1, 1};
  for (int i = 1; i <= 20; ++i) meter.done(start + 200ms, start + 150ms + i * 2ms, 1ms, 1ms);
  meter.close(start + 200ms + 10us);
  const auto cell = meter.result();
  EXPECT_NEAR(cell.objects_per_second(), 500, 1e-6);
  EXPECT_EQ(cell.cores_used, 0);
  EXPECT_EQ(cell.cpu_us_per_object, 0);
  EXPECT_EQ(cell.machine_busy, 0);
}

// Nothing done is no division by nothing.
TEST(bench_meter, nothing_done) {
  fake_machine machine;
  bench_meter meter({1, 1, 10, 1s}, start, machine.look());
  meter.failed();
  meter.close(start + 1s);
  const auto cell = meter.result();
  EXPECT_EQ(cell.objects_per_second(), 0);
  EXPECT_EQ(cell.failed, 1U);
  EXPECT_EQ(cell.cpu_us_per_object, 0);
}

// Idle and waiting for disks is not busy; a text that is none of Linux's says nothing.
TEST(machine_load, proc_stat) {
  resource_use used;
  read_machine_ticks("cpu  10 20 30 400 50 6 7 8 9 9\ncpu0 1 2 3 4\n", used);
  EXPECT_EQ(used.machine_total, 531U);
  EXPECT_EQ(used.machine_busy, 81U);
  for (const auto* other : {"", "cpu", "cpu 1 2", "intr 1 2 3 4 5 6 7 8", "cpu a b c d e f g h"}) {
    resource_use untouched;
    read_machine_ticks(other, untouched);
    EXPECT_EQ(untouched.machine_total, 0U) << other;
  }
}

} // namespace
} // namespace hoist::cli
