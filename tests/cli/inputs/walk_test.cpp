#include "cli/inputs/walk.hpp"

#include "temporary_tree.hpp"

#include <fcntl.h>

#include <map>
#include <set>

namespace hoist::cli {
namespace {

using kind = tree_walk::kind;
using found_items = std::map<std::string, kind>;

tree_walk::descent enter_all(std::string_view) {
  return tree_walk::descent::enter;
}

unique_fd open_root(const temporary_tree& tree) {
  return unique_fd(::open(tree.root().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

found_items walk(const temporary_tree& tree, const tree_walk::descent_rule& rule = enter_all) {
  tree_walk walking(open_root(tree), rule);
  found_items found;
  while (const auto item = walking.next()) {
    EXPECT_TRUE(found.emplace(item->below, item->what).second) << item->below << " was told of twice";
  }
  return found;
}

// Every file is found once, whatever it is called; links are told of and not followed.
TEST(walk, finds_everything_once) {
  temporary_tree tree;
  tree.file("a");
  tree.file(".hidden/.b");
  tree.file("x/y/z/c");
  tree.file("x/new\nline");
  tree.file("x/\xff");
  tree.directory("empty");
  tree.link("to_file", "a");
  tree.link("to_directory", "x");
  tree.link("x/loop", "..");
  tree.link("dangling", "nowhere");
  tree.fifo("fifo");
  EXPECT_EQ(walk(tree), (found_items{{"a", kind::regular},
                                     {".hidden/.b", kind::regular},
                                     {"x/y/z/c", kind::regular},
                                     {"x/new\nline", kind::regular},
                                     {"x/\xff", kind::regular},
                                     {"to_file", kind::symlink},
                                     {"to_directory", kind::symlink},
                                     {"x/loop", kind::symlink},
                                     {"dangling", kind::symlink},
                                     {"fifo", kind::special}}));
}

TEST(walk, empty_directory) {
  temporary_tree tree;
  EXPECT_TRUE(walk(tree).empty());
}

// A directory may be entered, told of, or left out without a word.
TEST(walk, asks_before_it_enters) {
  temporary_tree tree;
  tree.file("in/a");
  tree.file("told/a");
  tree.file("out/a");
  const auto found = walk(tree, [](std::string_view below) {
    if (below == "told") return tree_walk::descent::tell;
    return below == "out" ? tree_walk::descent::leave_out : tree_walk::descent::enter;
  });
  EXPECT_EQ(found, (found_items{{"in/a", kind::regular}, {"told", kind::directory}}));
}

// Siblings of directories are found after coming back up, from any depth.
TEST(walk, comes_back_up) {
  temporary_tree tree;
  found_items expected;
  for (const auto* below : {"a/1/x/f", "a/2/x/f", "a/2/y/f", "b/1/f", "b/2/q/r/s/f", "c/f", "f"}) {
    tree.file(below);
    expected.emplace(below, kind::regular);
  }
  EXPECT_EQ(walk(tree), expected);
}

// Depth is no limit, neither of the stack nor of a path's length.
TEST(walk, deeper_than_a_path_can_be_long) {
  temporary_tree tree;
  const std::string name(200, 'd');
  constexpr int depth = 40;
  unique_fd here(open_root(tree));
  for (int i = 0; i < depth; ++i) {
    ASSERT_EQ(::mkdirat(here.get(), name.c_str(), 0700), 0);
    ASSERT_EQ(::mkdirat(here.get(), "side", 0700), 0);
    here = unique_fd(::openat(here.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  }
  { unique_fd file(::openat(here.get(), "f", O_CREAT | O_WRONLY, 0600)); }
  const auto found = walk(tree);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found.begin()->first.size(), depth * (name.size() + 1) + 1);
}

// A directory that may not be read is told of, and the rest is found.
TEST(walk, unreadable_directory) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  temporary_tree tree;
  tree.file("locked/a");
  tree.file("b");
  ASSERT_EQ(::chmod(tree.path("locked").c_str(), 0), 0);
  EXPECT_EQ(walk(tree), (found_items{{"locked", kind::unreadable}, {"b", kind::regular}}));
  ::chmod(tree.path("locked").c_str(), 0700);
}

// A directory that vanished before its turn is told of.
TEST(walk, vanished_directory) {
  temporary_tree tree;
  tree.directory("gone");
  tree.file("a");
  tree_walk walking(open_root(tree), [&](std::string_view below) {
    std::filesystem::remove_all(tree.root() / below);
    return tree_walk::descent::enter;
  });
  found_items found;
  while (const auto item = walking.next()) {
    found.emplace(item->below, item->what);
    if (item->what == kind::unreadable) {
      EXPECT_EQ(item->error, ENOENT);
    }
  }
  EXPECT_EQ(found, (found_items{{"gone", kind::unreadable}, {"a", kind::regular}}));
}

// The item told of last can be looked at.
TEST(walk, sizes) {
  temporary_tree tree;
  tree.file("x/a", "12345");
  tree_walk walking(open_root(tree), enter_all);
  ASSERT_TRUE(walking.next());
  const auto status = walking.stat_current();
  ASSERT_TRUE(status);
  EXPECT_EQ(status->st_size, 5);
}

} // namespace
} // namespace hoist::cli
