#include "cli/inputs/filter.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

struct glob_case {
  const char* name;
  const char* pattern;
  const char* below;
  bool expected;
};

// Without a slash a pattern is compared with the name, with one with the path; '*' stops at '/', '**' does not.
TEST(glob, files) {
  const glob_case cases[] = {
      {"name", "*.jpg", "a/b/c.jpg", true},
      {"other name", "*.jpg", "a/b.jpg/c.png", false},
      {"whole name", "a", "ab", false},
      {"path", "a/*.jpg", "a/b.jpg", true},
      {"path is anchored", "a/*.jpg", "x/a/b.jpg", false},
      {"star stops at a slash", "a/*.jpg", "a/b/c.jpg", false},
      {"leading slash", "/b.jpg", "b.jpg", true},
      {"leading slash anchors", "/b.jpg", "a/b.jpg", false},
      {"any depth", "**/b.jpg", "x/y/b.jpg", true},
      {"any depth, none", "**/b.jpg", "b.jpg", true},
      {"directories end at a slash", "**/b.jpg", "x/ab.jpg", false},
      {"any depth, and nothing", "**/*", "", true},
      {"in the middle", "a/**/z", "a/b/c/z", true},
      {"in the middle, none", "a/**/z", "a/z", true},
      {"all below", "a/**", "a/b/c", true},
      {"two deep stars", "**/x/**/y", "1/x/2/3/y", true},
      {"two deep stars, no", "**/x/**/y", "1/x/2/3/yy", false},
      {"backtracking", "*a*b*c", "xxaxxbxxbc", true},
      {"backtracking, no", "*a*b*c", "xxaxxcxxb", false},
      {"one character", "?.txt", "a.txt", true},
      {"one character of many bytes", "?.txt", "\xC3\xA4.txt", true},
      {"one character, none", "?.txt", ".txt", false},
      {"set", "[a-c]1", "b1", true},
      {"set, outside", "[a-c]1", "d1", false},
      {"negated set", "[!a-c]1", "d1", true},
      {"bracket first in a set", "[]]x", "]x", true},
      {"escaped star", "\\*", "*", true},
      {"escaped star is no star", "\\*", "a", false},
      {"hidden files are like others", "*", ".env", true},
      {"trailing slash: directories only", "a/", "a", false},
      {"empty name", "*", "", true},
  };
  for (const auto& c : cases) {
    const auto pattern = glob::compile(c.pattern);
    ASSERT_TRUE(pattern) << c.name;
    EXPECT_EQ(pattern->matches_file(c.below), c.expected) << c.name;
  }
}

// A directory is not entered when it matches, or when all below it would.
TEST(glob, directories) {
  const glob_case cases[] = {
      {"name", "node_modules", "a/node_modules", true},
      {"trailing slash", "cache/", "a/cache", true},
      {"all below", "cache/**", "cache", true},
      {"all below, other depth", "cache/**", "a/cache", false},
      {"all below, any depth", "**/cache/**", "a/cache", true},
      {"files only", "*.o", "src", false},
  };
  for (const auto& c : cases) EXPECT_EQ(glob::compile(c.pattern)->matches_directory(c.below), c.expected) << c.name;
}

// A pattern that cannot be meant is refused.
TEST(glob, refused) {
  for (const auto* pattern : {"", "/", "[", "[a", "a[]"}) EXPECT_FALSE(glob::compile(pattern)) << pattern;
}

// Stars in a row do not make matching slow.
TEST(glob, many_stars_are_not_exponential) {
  const auto pattern = glob::compile("*a*a*a*a*a*a*a*a*a*a*a*a*a*b");
  EXPECT_FALSE(pattern->matches_file(std::string(2000, 'a')));
}

// Taken: matches an include, if any are given, and no exclude; an exclude is stronger.
TEST(filter, one_rule) {
  filter_rules rules;
  EXPECT_EQ(judge_name(rules, "a.txt"), skip_reason::none);
  rules.includes = {*glob::compile("*.txt"), *glob::compile("*.md")};
  rules.excludes = {*glob::compile("b*")};
  EXPECT_EQ(judge_name(rules, "a.md"), skip_reason::none);
  EXPECT_EQ(judge_name(rules, "a.jpg"), skip_reason::not_included);
  EXPECT_EQ(judge_name(rules, "b.txt"), skip_reason::excluded);
  EXPECT_FALSE(enters(rules, "x/build"));
  EXPECT_TRUE(enters(rules, "x/src"));
}

// The bounds themselves are inside.
TEST(filter, sizes) {
  filter_rules rules;
  rules.size_min = 10;
  rules.size_max = 20;
  EXPECT_EQ(judge_size(rules, 9), skip_reason::min_size);
  EXPECT_EQ(judge_size(rules, 10), skip_reason::none);
  EXPECT_EQ(judge_size(rules, 20), skip_reason::none);
  EXPECT_EQ(judge_size(rules, 21), skip_reason::max_size);
}

} // namespace
} // namespace hoist::cli
