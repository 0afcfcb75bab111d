// What a manifest holds after runs that ended well, badly, or not at all.

#include "cli/base/usage_error.hpp"
#include "cli/rows/manifest_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace hoist::cli {
namespace {

namespace fs = std::filesystem;

std::string row(const std::string& path, const std::string& status) {
  return R"({"v":1,"type":"result","path":")" + path + R"(","status":")" + status + "\"}\n";
}

const std::string old_summary = R"({"v":1,"type":"summary","complete":false})"
                                "\n";
const std::string new_summary = R"({"v":1,"type":"summary","complete":true})"
                                "\n";

class manifest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "hoist-test-XXXXXX").native();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    file = folder / "m.jsonl";
  }
  void TearDown() override { fs::remove_all(folder); }

  void hold(const std::string& text) const { std::ofstream(file, std::ios::binary) << text; }
  std::string text() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void append(const unique_fd& to, const std::string& rows) {
    ASSERT_EQ(::write(to.get(), rows.data(), rows.size()), static_cast<ssize_t>(rows.size()));
  }
  /// A run that goes on with the file and writes `rows`.
  void go_on(const std::string& rows, bool complete) const {
    manifest_file m(file.native(), existing_manifest::go_on);
    append(m.take_descriptor(), rows);
    ASSERT_TRUE(m.has_earlier_rows());
    m.finish(complete, new_summary);
  }

  fs::path folder, file;
};

// A complete run's rows are all that is left, repeated ones too.
TEST_F(manifest, complete_run) {
  hold(row("a", "done") + row("gone", "done") + old_summary);
  go_on(row("b", "done") + row("a", "done") + row("a", "done"), true);
  EXPECT_EQ(text(), row("b", "done") + row("a", "done") + row("a", "done") + new_summary);
}

// Earlier rows stay where a run that was stopped has none; of several about one file the last; and one summary.
TEST_F(manifest, stopped_run) {
  hold(row("a", "failed") + row("b", "done") + old_summary + row("a", "done") + old_summary + row("c", "failed"));
  go_on(row("c", "done") + row("d", "done"), false);
  EXPECT_EQ(text(), row("b", "done") + row("a", "done") + row("c", "done") + row("d", "done") + new_summary);
}

// What cannot be read stays, also a line that has a summary's word where a summary has it.
TEST_F(manifest, regression_a_line_that_looks_like_a_summary) {
  const std::string odd = R"({"v":1,"type:""summary","complete":false})"
                          "\n";
  hold(row("a", "done") + odd + old_summary);
  go_on(row("b", "done"), false);
  EXPECT_EQ(text(), row("a", "done") + odd + row("b", "done") + new_summary);
}

// While the run goes on, the earlier rows are still there, and a line that was torn by a kill is not.
TEST_F(manifest, torn_line) {
  hold(row("a", "done") + R"({"v":1,"type":"result","path":"b","sta)");
  manifest_file m(file.native(), existing_manifest::go_on);
  append(m.take_descriptor(), row("b", "done"));
  EXPECT_EQ(text(), row("a", "done") + row("b", "done"));
}

// A file that is nothing but a torn line, or empty, is begun anew.
TEST_F(manifest, nothing_whole) {
  for (const std::string begun : {"", "{", R"({"v":1,"type":"res)"}) {
    hold(begun);
    manifest_file m(file.native(), existing_manifest::go_on);
    EXPECT_FALSE(m.has_earlier_rows()) << begun;
    EXPECT_EQ(text(), "") << begun;
  }
}

// A torn line longer than a block is cut as well.
TEST_F(manifest, long_torn_line) {
  hold(row("a", "done") + R"({"v":1,"type":"result","path":")" + std::string(200'000, 'x'));
  manifest_file m(file.native(), existing_manifest::go_on);
  EXPECT_EQ(text(), row("a", "done"));
}

// What is no manifest is refused and kept.
TEST_F(manifest, somebody_elses_file) {
  for (const std::string content : {"hello\n", "{\"a\":1}\n", "\n"}) {
    hold(content);
    EXPECT_THROW(manifest_file(file.native(), existing_manifest::go_on), usage_error) << content;
    EXPECT_EQ(text(), content);
  }
}

// A file that exists is refused where it may not be touched, replaced where it may, and an empty one is nobody's.
TEST_F(manifest, policies) {
  hold(row("a", "done"));
  EXPECT_THROW(manifest_file(file.native(), existing_manifest::refuse), usage_error);
  EXPECT_THROW(manifest_file(file.native(), existing_manifest::refuse_alone), usage_error);
  EXPECT_EQ(text(), row("a", "done"));
  manifest_file(file.native(), existing_manifest::replace);
  EXPECT_EQ(text(), "");
  EXPECT_NO_THROW(manifest_file(file.native(), existing_manifest::refuse));
}

// A link stays a link, the mode stays what it was, and nothing else is left in the folder.
TEST_F(manifest, is_put_right_in_place) {
  hold(row("a", "done") + old_summary);
  fs::permissions(file, fs::perms(0640));
  fs::create_symlink(file, folder / "link");
  file = folder / "link";
  go_on(row("a", "done"), true);
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(text(), row("a", "done") + new_summary);
  EXPECT_EQ(fs::status(file).permissions(), fs::perms(0640));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2);
}

// When it cannot be put right, it stays as the run left it.
TEST_F(manifest, cannot_be_put_right) {
  hold(row("a", "done") + old_summary);
  manifest_file m(file.native(), existing_manifest::go_on);
  append(m.take_descriptor(), row("b", "done"));
  fs::create_directory(folder / ".m.jsonl.hoist-new");
  EXPECT_THROW(m.finish(true, new_summary), std::system_error);
  EXPECT_EQ(text(), row("a", "done") + old_summary + row("b", "done"));
}

// What somebody else has put where the new one is made is not written to, and a FIFO is not waited for. (regression)
TEST_F(manifest, what_was_planted_aside_is_removed) {
  hold(row("a", "done"));
  manifest_file m(file.native(), existing_manifest::go_on);
  ASSERT_EQ(::mkfifo((folder / ".m.jsonl.hoist-new").c_str(), 0600), 0);
  m.finish(true, new_summary);
  EXPECT_TRUE(fs::is_regular_file(file));
}

// A row's key is its path as it is spelt, quotes and all; a path and its base64 are never mixed up; other lines have
// none.
TEST(row_key, of_lines) {
  EXPECT_EQ(row_key(row(R"(a\"b\\)", "done")), R"(":"a\"b\\")");
  EXPECT_EQ(row_key(row("a", "done")), row_key(row("a", "failed")));
  EXPECT_NE(row_key(row("YQ==", "done")), row_key(R"({"v":1,"type":"result","path_b64":"YQ==","status":"done"})"));
  for (const char* line : {"", "{", R"({"v":1,"type":"summary"})", R"({"v":1,"type":"result","path":"torn)",
                           R"({"v":1,"type":"result","path)"})
    EXPECT_EQ(row_key(line), "") << line;
}

} // namespace
} // namespace hoist::cli
