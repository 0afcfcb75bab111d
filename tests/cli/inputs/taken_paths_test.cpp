#include "cli/inputs/taken_paths.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

struct path_case {
  const char* name;
  const char* input;
  const char* expected;
};

// Paths are normalised by their letters, against the working directory.
TEST(taken_paths, normalised) {
  const path_case cases[] = {
      {"relative", "a/b", "/w/d/a/b"},
      {"dot", ".", "/w/d"},
      {"dot inside", "./a/./b", "/w/d/a/b"},
      {"up", "../a", "/w/a"},
      {"up and down", "a/../b", "/w/d/b"},
      {"above the root", "/../a", "/a"},
      {"doubled and trailing", "//a///b//", "/a/b"},
      {"root", "/", "/"},
      {"up to the root", "../..", "/"},
      {"names that look like dots", "...", "/w/d/..."},
  };
  for (const auto& c : cases) EXPECT_EQ(normalised("/w/d", c.input), c.expected) << c.name;
}

// A PATH that is named twice is taken once.
TEST(taken_paths, roots) {
  taken_paths seen;
  EXPECT_TRUE(seen.name_root("/a"));
  EXPECT_FALSE(seen.name_root("/a"));
  EXPECT_TRUE(seen.walk_is_alone());
  EXPECT_TRUE(seen.name_root("/a/b"));
  EXPECT_FALSE(seen.walk_is_alone());
  EXPECT_TRUE(seen.leaves_out("/a/b"));
  EXPECT_FALSE(seen.leaves_out("/a/bc"));
}

// An entry of a list that a walk has taken is taken already; of what else lies below its directory the walk is known.
TEST(taken_paths, lists) {
  taken_paths seen;
  EXPECT_TRUE(seen.walk_is_alone());
  seen.expect_lists();
  EXPECT_FALSE(seen.walk_is_alone());
  EXPECT_FALSE(seen.walk_above("/a/x"));
  seen.begin_walk("/a", "as/given");
  seen.note_found("/a/x");
  seen.note_found("/a/x/y");
  EXPECT_TRUE(seen.covers("/a"));
  EXPECT_TRUE(seen.covers("/a/x"));
  EXPECT_TRUE(seen.covers("/a/x/y"));
  EXPECT_TRUE(seen.leaves_out("/a/x/y")) << "a walk that comes there again";
  EXPECT_FALSE(seen.covers("/a/x/z"));
  EXPECT_FALSE(seen.covers("/ab"));
  ASSERT_TRUE(seen.walk_above("/a/x/z"));
  EXPECT_EQ(seen.walk_above("/a/x/z")->root, "as/given");
  EXPECT_EQ(seen.walk_above("/a/x/z")->below, "x/z");
  EXPECT_FALSE(seen.walk_above("/a"));
  EXPECT_FALSE(seen.walk_above("/ab"));
  seen.begin_walk("/a/x", "nearer");
  EXPECT_EQ(seen.walk_above("/a/x/z")->root, "nearer");
  seen.take_listed("/c/x");
  EXPECT_FALSE(seen.covers("/c/x")) << "a repeated entry gets its row again";
  EXPECT_TRUE(seen.leaves_out("/c/x")) << "but a walk that comes later leaves it out";
}

// Everything is below a walked root directory.
TEST(taken_paths, below_the_root) {
  taken_paths seen;
  seen.begin_walk("/", "/");
  ASSERT_TRUE(seen.walk_above("/a/b"));
  EXPECT_EQ(seen.walk_above("/a/b")->below, "a/b");
  EXPECT_EQ(seen.walk_above("/a")->below, "a");
}

// A list may have no end: what is remembered of it is bounded, and the latest of it is known. (regression: a feed of
// millions of names grew by eight bytes and more with each)
TEST(taken_paths, recent_hashes_forgets_the_oldest) {
  recent_hashes set(100);
  for (std::uint64_t n = 1; n <= 1000; ++n) {
    EXPECT_TRUE(set.insert(n));
    EXPECT_FALSE(set.insert(n)) << n;
    if (n > 100) {
      EXPECT_TRUE(set.contains(n - 99)) << n;
    }
    if (n > 200) {
      EXPECT_FALSE(set.contains(n - 200)) << n;
    }
  }
}

// The set grows and keeps what it has.
TEST(taken_paths, hash_set_keeps_all) {
  hash_set set;
  EXPECT_FALSE(set.contains(7));
  for (std::uint64_t i = 1; i <= 10'000; ++i) set.insert(i * 0x9E3779B97F4A7C15U);
  for (std::uint64_t i = 1; i <= 10'000; ++i) ASSERT_TRUE(set.contains(i * 0x9E3779B97F4A7C15U));
  EXPECT_FALSE(set.contains(5));
}

} // namespace
} // namespace hoist::cli
