#include "cli/inputs/intake.hpp"

#include "temporary_tree.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace hoist::cli {
namespace {

using fate = input::fate;

struct outcome {
  std::map<std::string, int> taken; ///< path below the tree's root, and how often
  std::map<std::string, std::string> skipped;
  std::map<std::string, errc> failed;
  std::map<std::string, std::string> link_free; ///< path, and the part of it in which links are followed, if they end
  std::uint64_t hidden = 0;

  void add(const input& found) {
    if (found.what == fate::take) ++taken[found.path];
    if (found.what == fate::skip) skipped[found.path] = name_of(found.reason);
    if (found.what == fate::fail) failed[found.path] = found.code;
    if (found.what == fate::take && found.link_free_from <= found.path.size())
      link_free[found.path] = found.path.substr(0, found.link_free_from);
  }
};

class intake_test : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::current_path(tree.root()); }
  void TearDown() override { std::filesystem::current_path("/"); }

  outcome run(intake_request request, own_files own = {}) {
    request.working_directory = tree.root().native();
    intake inputs(std::move(request), std::move(own), stop);
    outcome result;
    while (const auto found = inputs.next()) result.add(*found);
    EXPECT_TRUE(inputs.is_exhausted());
    result.hidden = inputs.hidden_taken();
    return result;
  }
  outcome run(std::vector<std::string> paths) {
    intake_request request;
    request.paths = std::move(paths);
    return run(std::move(request));
  }

  /// Walks the PATHs of `request`, then calls `between`, then reads the lines of a list.
  outcome run_then(intake_request request, const std::string& lines, const std::function<void()>& between) {
    tree.file("c");
    tree.file("list", "c\n" + lines);
    request.lists = {"list"};
    request.working_directory = tree.root().native();
    intake inputs(std::move(request), {}, stop);
    outcome result;
    while (const auto found = inputs.next()) {
      result.add(*found);
      if (found->path == "c") between();
    }
    result.hidden = inputs.hidden_taken();
    return result;
  }
  outcome run_then(std::vector<std::string> paths, const std::string& lines, const std::function<void()>& between) {
    intake_request request;
    request.paths = std::move(paths);
    return run_then(std::move(request), lines, between);
  }

  temporary_tree tree;
  stop_sign stop;
};

using taken = std::map<std::string, int>;
using skipped = std::map<std::string, std::string>;
using failed = std::map<std::string, errc>;

// A row's path is the PATH as given, joined with what was walked.
TEST_F(intake_test, paths_are_as_given) {
  tree.file("d/a");
  EXPECT_EQ(run({"d"}).taken, (taken{{"d/a", 1}}));
  EXPECT_EQ(run({"./d/"}).taken, (taken{{"./d/a", 1}}));
  EXPECT_EQ(run({"."}).taken, (taken{{"./d/a", 1}}));
  EXPECT_EQ(run({"d/a"}).taken, (taken{{"d/a", 1}}));
  EXPECT_EQ(run({tree.path("d")}).taken, (taken{{tree.path("d/a"), 1}}));
}

// What is named and cannot be taken is a failure; what a walk meets is skipped.
TEST_F(intake_test, named_and_met) {
  tree.file("d/a");
  tree.link("d/l", "a");
  tree.fifo("d/f");
  const auto walked = run({"d"});
  EXPECT_EQ(walked.skipped, (skipped{{"d/l", "symlink"}, {"d/f", "special"}}));
  EXPECT_TRUE(walked.failed.empty());
  const auto named = run({"d/l", "d/f", "nowhere", "d/a/x"});
  EXPECT_EQ(named.taken, (taken{{"d/l", 1}}));
  EXPECT_EQ(
      named.failed,
      (failed{{"d/f", errc::source_not_regular}, {"nowhere", errc::source_missing}, {"d/a/x", errc::source_missing}}));
}

// A PATH may be a link to a directory.
TEST_F(intake_test, a_named_link_is_followed) {
  tree.file("d/a");
  tree.link("l", "d");
  EXPECT_EQ(run({"l"}).taken, (taken{{"l/a", 1}}));
}

// Overlapping PATHs are taken once, whatever their order and spelling.
TEST_F(intake_test, overlap) {
  tree.file("d/a");
  tree.file("d/s/b");
  EXPECT_EQ(run({"d", "d", "./d/", "d/../d"}).taken, (taken{{"d/a", 1}, {"d/s/b", 1}}));
  EXPECT_EQ(run({"d", "d/s"}).taken, (taken{{"d/a", 1}, {"d/s/b", 1}}));
  EXPECT_EQ(run({"d/s", "d", "d/a"}).taken, (taken{{"d/a", 1}, {"d/s/b", 1}}));
}

// A repeated entry of a list gets its row again, but what a walk took is not taken again.
TEST_F(intake_test, lists) {
  tree.file("d/a");
  tree.file("d/s/b");
  tree.file("c");
  tree.file("list", "c\nc\nd/s/b\nd\nd/s\nd/a\nnowhere\n");
  intake_request request;
  request.lists = {"list"};
  const auto result = run(std::move(request));
  EXPECT_EQ(result.taken, (taken{{"c", 2}, {"d/s/b", 1}, {"d/a", 1}}));
  EXPECT_EQ(result.failed, (failed{{"nowhere", errc::source_missing}}));
}

// What comes into being below a directory after its walk is taken when a list names it: a file, or a directory with all
// that is in it. (regression: it was passed over without a word)
TEST_F(intake_test, made_after_the_walk) {
  tree.file("d/a");
  const auto result = run_then({"d"}, "d/a\nd/late\nd/new\nd/late\n" + tree.path("d/other") + "\n", [&] {
    tree.file("d/late");
    tree.file("d/other");
    tree.file("d/new/x");
  });
  EXPECT_EQ(result.taken, (taken{{"d/a", 1}, {"c", 1}, {"d/late", 2}, {"d/new/x", 1}, {tree.path("d/other"), 1}}));
  EXPECT_TRUE(result.failed.empty() && result.skipped.empty());
}

// It is judged as the walk would judge it: no link is followed, and what is excluded stays so.
TEST_F(intake_test, the_rules_of_the_walk_hold_after_it) {
  tree.file("d/a");
  tree.file("d/.git/config");
  tree.file("elsewhere/secret");
  intake_request request;
  request.paths = {"d"};
  request.rules.excludes = {*glob::compile(".git/"), *glob::compile("new/tmp/")};
  request.rules.size_min = 1;
  tree.file("d/grows", "");
  const auto result =
      run_then(std::move(request),
               "d/.git/config\nd/.git/hooks\nd/link\nd/way/secret\nd/to_folder\nd/fifo\nd/new\nd/new/tmp/x\n"
               "d/none\nd/grows\nd/.hidden\n",
               [&] {
                 tree.file("d/.git/hooks/h");
                 tree.link("d/link", "../elsewhere/secret");
                 tree.link("d/way", "../elsewhere");
                 tree.link("d/to_folder", "../elsewhere");
                 tree.fifo("d/fifo");
                 tree.file("d/new/tmp/x");
                 tree.file("d/new/x");
                 tree.link("d/new/l", "x");
                 tree.file("d/grows", "grown");
                 tree.file("d/.hidden");
               });
  EXPECT_EQ(result.taken, (taken{{"d/a", 1}, {"c", 1}, {"d/new/x", 1}, {"d/grows", 1}, {"d/.hidden", 1}}));
  EXPECT_EQ(result.skipped, (skipped{{"d/.git/", "excluded"},
                                     {"d/.git/config", "excluded"},
                                     {"d/.git/hooks", "excluded"},
                                     {"d/link", "symlink"},
                                     {"d/way/secret", "symlink"},
                                     {"d/to_folder", "symlink"},
                                     {"d/fifo", "special"},
                                     {"d/new/l", "symlink"},
                                     {"d/new/tmp/", "excluded"},
                                     {"d/new/tmp/x", "excluded"},
                                     {"d/grows", "min_size"}}));
  EXPECT_EQ(result.failed, (failed{{"d/none", errc::source_missing}}));
  EXPECT_EQ(result.hidden, 1U);
}

// Links are followed on the way to what was named, and not below a directory that is walked, however it is spelled.
TEST_F(intake_test, where_links_end) {
  tree.file("d/s/a");
  const auto named_part = [&](const std::string& named) {
    intake_request request;
    request.paths = {named};
    request.working_directory = tree.root().native();
    intake inputs(std::move(request), {}, stop);
    const auto found = inputs.next();
    return found->link_free_from > found->path.size() ? "all" : found->path.substr(0, found->link_free_from);
  };
  EXPECT_EQ(named_part("d"), "d/");
  EXPECT_EQ(named_part("./d/"), "./d/");
  EXPECT_EQ(named_part("d//"), "d//");
  EXPECT_EQ(named_part("."), "./");
  EXPECT_EQ(named_part(tree.path("d")), tree.path("d/"));
  EXPECT_EQ(named_part("d/s/a"), "all");
}

// The same of what a list names afterwards; a spelling that hides where the named part ends has no part that is
// trusted.
TEST_F(intake_test, where_links_end_after_the_walk) {
  tree.file("d/a");
  const auto result = run_then({"./d"}, "d/l1\n./d/n/\n" + tree.path("d/l2") + "\nd/./l3\nd/n/../l4\n", [&] {
    for (const std::string name : {"d/l1", "d/l2", "d/l3", "d/l4", "d/n/x"}) tree.file(name);
  });
  EXPECT_EQ(result.link_free, (std::map<std::string, std::string>{{"./d/a", "./d/"},
                                                                  {"d/l1", "d/"},
                                                                  {"./d/n/x", "./d/"},
                                                                  {tree.path("d/l2"), tree.path("d/")},
                                                                  {"d/./l3", "d/./"},
                                                                  {"d/n/../l4", ""}}));
}

// A list that cannot be read is a failure, under its own name.
TEST_F(intake_test, missing_list) {
  intake_request request;
  request.lists = {"no-list"};
  EXPECT_EQ(run(std::move(request)).failed, (failed{{"no-list", errc::source_missing}}));
}

// Filters skip with a reason; an excluded directory is one row, and nothing below it is looked at.
TEST_F(intake_test, filters) {
  tree.file("d/a.txt", "123");
  tree.file("d/b.jpg", "123");
  tree.file("d/big.txt", "12345");
  tree.file("d/cache/c.txt");
  intake_request request;
  request.paths = {"d"};
  request.rules.includes = {*glob::compile("*.txt")};
  request.rules.excludes = {*glob::compile("cache")};
  request.rules.size_max = 4;
  const auto result = run(std::move(request));
  EXPECT_EQ(result.taken, (taken{{"d/a.txt", 1}}));
  EXPECT_EQ(result.skipped,
            (skipped{{"d/b.jpg", "not_included"}, {"d/big.txt", "max_size"}, {"d/cache/", "excluded"}}));
}

// Hidden files are taken, and counted.
TEST_F(intake_test, hidden_files) {
  tree.file("d/.env");
  tree.file("d/.git/config");
  tree.file("d/a.b");
  const auto result = run({"d"});
  EXPECT_EQ(result.taken.size(), 3U);
  EXPECT_EQ(result.hidden, 2U);
}

// hoist's own files are left alone, the ledger's companions by their names.
TEST_F(intake_test, own_files) {
  tree.file("d/m.jsonl");
  tree.file("d/l.db");
  tree.file("d/l.db-extra");
  own_files own;
  own.add("d/m.jsonl");
  own.add_ledger("d/l.db");
  tree.file("d/l.db-wal");
  intake_request request;
  request.paths = {"d"};
  const auto result = run(std::move(request), std::move(own));
  EXPECT_EQ(result.taken, (taken{{"d/l.db-extra", 1}}));
  EXPECT_EQ(result.skipped, (skipped{{"d/m.jsonl", "own_file"}, {"d/l.db", "own_file"}, {"d/l.db-wal", "own_file"}}));
}

// Once stopped, nothing more comes, and the inputs do not pass for exhausted.
TEST_F(intake_test, stop) {
  tree.file("d/a");
  intake_request request;
  request.paths = {"d"};
  request.working_directory = tree.root().native();
  intake inputs(std::move(request), {}, stop);
  stop.raise();
  EXPECT_FALSE(inputs.next());
  EXPECT_FALSE(inputs.is_exhausted());
}

} // namespace
} // namespace hoist::cli
