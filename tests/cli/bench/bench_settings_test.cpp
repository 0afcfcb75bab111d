#include "cli/bench/bench_settings.hpp"

#include "cli/base/usage_error.hpp"
#include "cli/remove/delete_settings.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using variables = std::map<std::string, std::string>;

environment lookup_in(variables set) {
  return [set = std::move(set)](const std::string& name) -> std::optional<std::string> {
    const auto at = set.find(name);
    if (at == set.end()) return std::nullopt;
    return at->second;
  };
}

const variables with_key{{"HOIST_API_KEY", "k"}};

bench_settings bench(const words& typed, const variables& set = with_key) {
  return bench_settings_from(parse_arguments(bench_spec(), typed, lookup_in(set)), lookup_in(set));
}

std::string refusal(const words& typed, const variables& set = with_key) {
  try {
    bench(typed, set);
  } catch (const usage_error& wrong) {
    return wrong.what();
  }
  return "taken";
}

// Without options it is modest: three sizes, five seconds each time, a gigabyte at most, deleted, and gone in an hour.
TEST(bench_settings, defaults) {
  const auto s = bench({});
  EXPECT_EQ(s.sizes, (std::vector<std::uint64_t>{4'096, 262'144, 4'194'304}));
  EXPECT_TRUE(s.concurrency.empty());
  EXPECT_EQ(s.duration, 5s);
  EXPECT_EQ(s.limits.bytes, 1'000'000'000U);
  EXPECT_EQ(s.limits.objects, 20'000U);
  EXPECT_EQ(s.common.library.expires_in, 1h);
  EXPECT_EQ(s.common.library.retry.give_up_after, 60s);
  EXPECT_TRUE(s.ask);
  EXPECT_FALSE(s.keep);
  EXPECT_FALSE(s.json);
}

TEST(bench_settings, lists_and_bounds) {
  const auto s = bench({"-s", "4096,1MiB", "-j4,8,16", "-d", "2s", "--max-bytes=2GB", "--max-objects", "777", "--keep",
                        "-y", "--left", "L", "--format", "json", "--threads", "2"});
  EXPECT_EQ(s.sizes, (std::vector<std::uint64_t>{4'096, 1'048'576}));
  EXPECT_EQ(s.concurrency, (std::vector{4, 8, 16}));
  EXPECT_EQ(s.cells_max(), 3U);
  EXPECT_EQ(s.duration, 2s);
  EXPECT_EQ(s.limits.bytes, 2'000'000'000U);
  EXPECT_EQ(s.limits.objects, 777U);
  EXPECT_EQ(s.common.library.threads, 2);
  EXPECT_EQ(s.common.library.expires_in, 0s) << "what is kept is kept as long as the API does";
  EXPECT_TRUE(s.keep && !s.ask && s.json);
  EXPECT_EQ(s.left, "L");
}

// A count is a count: time bounds it only when it was given too, and it is not cut by a bound that nobody gave.
TEST(bench_settings, count) {
  const auto s = bench({"--count", "50000", "--size", "1KiB", "-j", "1,2"});
  EXPECT_EQ(s.duration, 0s);
  EXPECT_EQ(s.limits.objects, 100'000U);
  EXPECT_EQ(bench({"--count", "100", "--duration", "3s", "-s", "1KiB"}).duration, 3s);
  EXPECT_NE(refusal({"--count", "500", "--max-objects", "400", "--size", "1KiB"}), "taken");
}

// Every flag has its variable.
TEST(bench_settings, variables) {
  const auto s =
      bench({}, {{"HOIST_API_KEY", "k"}, {"HOIST_SIZE", "8KiB"}, {"HOIST_KEEP", "true"}, {"HOIST_MAX_BYTES", "5MB"}});
  EXPECT_EQ(s.sizes, std::vector<std::uint64_t>{8'192});
  EXPECT_TRUE(s.keep);
  EXPECT_EQ(s.limits.bytes, 5'000'000U);
}

// What cannot be done is refused with the flag's name, before anything is sent.
TEST(bench_settings, refusals) {
  struct {
    words typed;
    const char* part;
  } const cases[] = {
      {{"--size", "0"}, "--size"},
      {{"--size", "4KiB,"}, "--size"},
      {{"--size", "101MiB"}, "100MiB"},
      {{"-j", "0"}, "-j"},
      {{"-j", "1,two"}, "-j"},
      {{"-j", "2000"}, "1024"},
      {{"--count", "7"}, "--count"},
      {{"--duration", "5"}, "--duration"},
      {{"--duration", "2h"}, "--duration"},
      {{"--size", "100MiB", "--max-bytes", "100MB"}, "--max-bytes"},
      {{"--format", "url"}, "text|json"},
      {{"some/file"}, "takes no files"},
      {{"--endpoint", "http://example.com"}, "--allow-plain-http"},
  };
  for (const auto& c : cases) EXPECT_NE(refusal(c.typed).find(c.part), std::string::npos) << refusal(c.typed);
  EXPECT_NE(refusal({}, {}).find("no API key"), std::string::npos);
}

// hoist delete needs something to delete, and a key unless it only says what it would do.
TEST(delete_settings, refusals) {
  const auto meaning = [](const words& typed, const variables& set) {
    return delete_settings_from(parse_arguments(delete_spec(), typed, lookup_in(set)), lookup_in(set));
  };
  EXPECT_THROW(meaning({}, with_key), usage_error);
  EXPECT_THROW(meaning({"-", "-"}, with_key), usage_error);
  EXPECT_THROW(meaning({"id"}, {}), usage_error);
  EXPECT_EQ(meaning({"-n", "id"}, {}).paths, words{"id"});
  EXPECT_EQ(meaning({"-j", "16", "id"}, with_key).library.presign_concurrency, 16);
}

} // namespace
} // namespace hoist::cli
