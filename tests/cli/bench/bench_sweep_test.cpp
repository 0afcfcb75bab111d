#include "cli/bench/bench_sweep.hpp"

#include "cli/bench/bench_report.hpp"
#include "cli/bench/bench_rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace hoist::cli {
namespace {

/// A measurement with `rate` objects a second.
bench_cell cell_of(int concurrency, double rate) {
  bench_cell cell;
  cell.size = 4096;
  cell.concurrency = concurrency;
  cell.objects = cell.all_done = 1'000;
  cell.seconds = 1'000 / rate;
  cell.presign = {10'000, 12'000, 20'000};
  cell.put = {20'000, 25'000, 40'000};
  return cell;
}

bench_cell throttled_cell(int concurrency, double rate, std::uint64_t answers) {
  auto cell = cell_of(concurrency, rate);
  cell.puts_throttled = answers;
  return cell;
}

bench_sweep swept(const std::vector<double>& rates) {
  bench_sweep sweep({});
  for (const double rate : rates) {
    const auto next = sweep.next();
    if (!next) break;
    sweep.add(cell_of(*next, rate));
  }
  return sweep;
}

// A sweep doubles until two in a row bring less than a tenth more; the knee is the least that comes near the best.
TEST(bench_sweep, ends_behind_the_knee) {
  struct {
    const char* name;
    std::vector<double> rates;
    std::size_t measured;
    int knee;
    sweep_end end;
    bool certain;
  } const cases[] = {
      {"a plateau", {10, 20, 40, 42, 43, 99}, 5, 4, sweep_end::no_gain, true},
      {"a fall", {10, 20, 15, 12, 99}, 4, 2, sweep_end::no_gain, true},
      {"one that brings nothing is no end", {10, 20, 20, 40, 41, 41}, 6, 8, sweep_end::no_gain, true},
      {"nothing is gained at all", {10, 10, 10}, 3, 1, sweep_end::no_gain, true},
      {"creeping is no gain", {10, 10.8, 11.5, 99}, 3, 2, sweep_end::no_gain, true},
      {"rising to the end", {1, 2, 4, 8, 16, 32, 64, 128, 256, 512}, 9, 256, sweep_end::at_most, false},
      {"under way", {10, 20}, 2, 2, sweep_end::going_on, false},
  };
  for (const auto& c : cases) {
    const auto sweep = swept(c.rates);
    EXPECT_EQ(sweep.cells().size(), c.measured) << c.name;
    ASSERT_NE(sweep.knee(), nullptr) << c.name;
    EXPECT_EQ(sweep.knee()->concurrency, c.knee) << c.name;
    EXPECT_EQ(sweep.ended(), c.end) << c.name;
    EXPECT_EQ(sweep.is_knee_certain(), c.certain) << c.name;
  }
}

// What is throttled ends a sweep at once, and is no knee however fast it was.
TEST(bench_sweep, throttled) {
  auto sweep = swept({10, 20});
  sweep.add(throttled_cell(4, 100, 50));
  EXPECT_EQ(sweep.ended(), sweep_end::throttled);
  EXPECT_EQ(sweep.next(), std::nullopt);
  EXPECT_EQ(sweep.knee()->concurrency, 2);
  EXPECT_NE(what_limits(sweep).find("the storage, which asks for less from 4 at once on"), std::string::npos);

  bench_sweep at_once({});
  at_once.add(throttled_cell(1, 10, 50));
  EXPECT_EQ(at_once.knee(), nullptr);
}

// A few refusals are some storages' ordinary noise.
TEST(bench_sweep, a_few_refusals) {
  EXPECT_FALSE(is_throttled(throttled_cell(1, 10, 20)));
  EXPECT_TRUE(is_throttled(throttled_cell(1, 10, 21)));
}

// When most failed, or nothing was done in time, larger ones are not tried.
TEST(bench_sweep, failures_end_it) {
  bench_sweep none({}), most({});
  bench_cell nothing;
  nothing.concurrency = 1;
  none.add(nothing);
  EXPECT_EQ(none.ended(), sweep_end::failures);
  EXPECT_EQ(none.knee(), nullptr);
  auto cell = cell_of(1, 10);
  cell.failed = 1'001;
  most.add(cell);
  EXPECT_EQ(most.ended(), sweep_end::failures);
}

// Given concurrencies are all tried, in their order, whatever they bring.
TEST(bench_sweep, a_list) {
  bench_sweep sweep({8, 2, 4});
  std::vector<int> tried;
  while (const auto next = sweep.next()) {
    tried.push_back(*next);
    sweep.add(cell_of(*next, 10));
  }
  EXPECT_EQ(tried, (std::vector{8, 2, 4}));
  EXPECT_EQ(sweep.ended(), sweep_end::list_ended);
  EXPECT_EQ(sweep.knee()->concurrency, 2);
}

// What grew slower behind the knee is named; a machine that is busy is told, not blamed.
TEST(bench_sweep, what_limits) {
  auto storage = swept({10, 20});
  auto slow = cell_of(4, 20);
  slow.put.p50 = 45'000;
  slow.machine_busy = 0.95;
  slow.cores_used = 0.4;
  storage.add(slow);
  const auto said = what_limits(storage);
  EXPECT_TRUE(said.starts_with("the storage or the way there: a PUT takes 20.0 ms at 2 at once, 45.0 ms at 4")) << said;
  EXPECT_NE(said.find("95 % busy"), std::string::npos) << said;

  auto api = swept({10, 20});
  slow = cell_of(4, 20);
  slow.presign.p50 = 90'000;
  api.add(slow);
  EXPECT_TRUE(what_limits(api).starts_with("the API or the way there: a presign takes 10.0 ms")) << what_limits(api);
  EXPECT_NE(what_limits(swept({10, 20})).find("more at once may bring more"), std::string::npos);
}

// A table keeps to the width it is given, marks the knee, and has no control characters.
TEST(bench_report, table_fits) {
  auto sweep = swept({10, 20, 40, 42, 43});
  for (const std::size_t width : {46U, 60U, 78U, 79U, 80U, 200U}) {
    const auto lines = sweep_table(sweep, width);
    for (const auto& line : lines) {
      EXPECT_LE(line.size(), width) << line;
      EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7F; })) << line;
    }
    const auto knees =
        std::ranges::count_if(lines, [](const auto& line) { return line.find('<') != std::string::npos; });
    EXPECT_EQ(knees, 1);
  }
}

// Columns stand under each other for figures of any size.
TEST(bench_report, columns) {
  bench_sweep sweep({1, 1024});
  sweep.add(cell_of(1, 0.5));
  auto fast = cell_of(1024, 45'000);
  fast.put.p99 = 30'000'000;
  fast.puts_throttled = 12'345;
  sweep.add(fast);
  const auto lines = sweep_table(sweep, 80);
  EXPECT_EQ(lines[3].find("0.50") + 4, lines[4].find("45000") + 5);
  EXPECT_LE(lines[4].size(), 80U) << lines[4];
}

// Few samples are marked, and the mark is explained.
TEST(bench_report, few_samples) {
  bench_sweep sweep({1});
  auto cell = cell_of(1, 10);
  cell.objects = samples_least - 1;
  sweep.add(cell);
  const auto lines = sweep_table(sweep, 80);
  EXPECT_NE(lines[3].find("<*"), std::string::npos);
  EXPECT_TRUE(lines.back().starts_with("* fewer than 20"));
}

TEST(bench_report, words_for_figures) {
  EXPECT_EQ(object_size_text(100), "100 B");
  EXPECT_EQ(object_size_text(4096), "4 KiB");
  EXPECT_EQ(object_size_text(1'572'864), "1.5 MiB");
  EXPECT_EQ(milliseconds_text(56), "0.06");
  EXPECT_EQ(milliseconds_text(9'996), "10.0");
  EXPECT_EQ(milliseconds_text(99'960), "100");
  EXPECT_EQ(rate_text(0.123), "0.12");
  EXPECT_EQ(rate_text(12'345.6), "12346");
}

// The last line has the most objects and the most bytes, once when they are one measurement.
TEST(bench_report, closing) {
  EXPECT_EQ(closing_text({}), "");
  EXPECT_EQ(closing_text({swept({10, 20})}), "From here: 20.0 objects/s, 0.08 MB/s (4 KiB, 2 at once).");
  bench_sweep large({3});
  auto cell = cell_of(3, 5);
  cell.size = 1 << 20;
  large.add(cell);
  EXPECT_EQ(closing_text({swept({10, 20}), large}),
            "From here: 20.0 objects/s (4 KiB, 2 at once), 5.24 MB/s (1 MiB, 3 at once).");
}

// Rows are what the README of the folder says.
TEST(bench_rows, rows) {
  auto cell = cell_of(8, 100);
  cell.limited_by = limit::storage;
  EXPECT_EQ(cell_row(cell),
            R"({"v":1,"type":"cell","size":4096,"concurrency":8,"objects":1000,"few_samples":false,"all_objects":1000,)"
            R"("failed":0,"seconds":10.000,"objects_per_second":100.000,"bytes_per_second":409600.000,)"
            R"("presign_us":{"p50":10000,"p90":12000,"p99":20000},"put_us":{"p50":20000,"p90":25000,"p99":40000},)"
            R"("cpu_us_per_object":0.000,"cores_used":0.000,"machine_busy":0.000,"presigns_throttled":0,)"
            R"("puts_throttled":0,"limited_by":"storage"})"
            "\n");
  bench_sweep nothing({});
  nothing.add(bench_cell{});
  EXPECT_EQ(knee_row(nothing),
            R"({"v":1,"type":"knee","size":0,"concurrency":null,"certain":false,"objects_per_second":0.000,)"
            R"("bytes_per_second":0.000,"ended_by":"failures","limited_by":"failures: nothing was done in time"})"
            "\n");
  bench_facts facts;
  facts.made = 3;
  facts.deleted = 2;
  facts.left = 1;
  facts.exit_code = 130;
  facts.stopped_by = stop_cause::interrupted;
  EXPECT_EQ(bench_summary_row(facts),
            R"({"v":1,"type":"summary","complete":false,"cells":0,"made":3,"failed":0,"bytes":0,"deleted":2,"left":1,)"
            R"("kept":false,"seconds":0.000,"delete_seconds":0.000,"exit_code":130,"stopped_by":"SIGINT"})"
            "\n");
}

} // namespace
} // namespace hoist::cli
