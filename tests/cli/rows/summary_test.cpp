#include "cli/rows/summary.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;

bool has(const std::vector<std::string>& lines, std::string_view part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(part) != std::string::npos; });
}

// The summary names causes, some paths (escaped), and the command that retries.
TEST(summary, failures) {
  summary_facts facts;
  facts.complete = true;
  facts.done = 3;
  facts.failed = 12;
  facts.exit_code = 1;
  facts.batch.elapsed = 2s;
  facts.batch.bytes = 3'000'000;
  counts numbers;
  numbers.failed = 12;
  numbers.causes = {{"gave_up", 11}, {"source_missing", 1}};
  for (int i = 0; i < 10; ++i) numbers.failed_paths.push_back("p\n" + std::to_string(i));
  const auto lines = summary_lines(facts, numbers, 1, "hoist upload d");
  EXPECT_TRUE(has(lines, "3 done, 12 failed, 0 skipped"));
  EXPECT_TRUE(has(lines, "1.5 MB/s"));
  EXPECT_TRUE(has(lines, "gave_up 11, source_missing 1"));
  EXPECT_TRUE(has(lines, "p\\n9"));
  EXPECT_TRUE(has(lines, "and 2 more"));
  EXPECT_TRUE(has(lines, "1 hidden file was taken"));
  EXPECT_TRUE(has(lines, "to retry: hoist upload d"));
  EXPECT_EQ(failure_line(facts, numbers), "12 of 15 files failed (gave_up 11, source_missing 1)");
}

// When all went well there is nothing to retry, and -q says nothing.
TEST(summary, success) {
  summary_facts facts;
  facts.complete = true;
  facts.unsettled = 0;
  EXPECT_FALSE(has(summary_lines(facts, {}, 0, "x"), "retry"));
  EXPECT_EQ(failure_line(facts, {}), "");
}

// The command that goes on can be pasted into a shell, and does not start anew.
TEST(summary, command) {
  const std::vector<std::string> words{"hoist", "upload", "a b", "--no-resume", "--include", "*.jpg", "--overwrite"};
  EXPECT_EQ(retry_text(words), "hoist upload 'a b' --include '*.jpg'");
}

} // namespace
} // namespace hoist::cli
