#include "cli/remove/id_list.hpp"

#include "cli/base/usage_error.hpp"
#include "temporary_tree.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace hoist::cli {
namespace {

using kind = line_meaning::kind;

// A row that names something stored gives its id, an id alone is one, and what is neither is told.
TEST(id_list, lines) {
  struct {
    const char* name;
    const char* line;
    kind what;
    const char* id;
  } const cases[] = {
      {"a done row", R"({"v":1,"type":"result","path":"a","status":"done","id":"X-1"})", kind::id, "X-1"},
      {"as jq writes it", R"({ "type": "result", "id": "X-1", "status": "done" })", kind::id, "X-1"},
      {"a deletion that failed", R"({"v":1,"type":"result","id":"X","status":"failed","error":{}})", kind::id, "X"},
      {"a deletion that did not", R"({"v":1,"type":"result","id":"X","status":"deleted"})", kind::nothing_stored, ""},
      {"an upload that failed", R"({"v":1,"type":"result","path":"a","status":"failed"})", kind::nothing_stored, ""},
      {"a name that looks like a field", R"({"v":1,"type":"result","path":",\"id\":\"no\"","status":"failed"})",
       kind::nothing_stored, ""},
      {"a summary", R"({"v":1,"type":"summary","complete":true})", kind::nothing_stored, ""},
      {"an id", "7f0c2c9e\n", kind::id, "7f0c2c9e"},
      {"with Windows' line end", "7f0c2c9e\r\n", kind::id, "7f0c2c9e"},
      {"nothing", "  \n", kind::nothing_stored, ""},
      {"a torn row", R"({"v":1,"type":"resu)", kind::unreadable, ""},
      {"words", "delete this please", kind::unreadable, ""},
      {"csv", "a.png,https://x/y", kind::unreadable, ""},
      {"an id of the wrong type", R"({"type":"result","id":5})", kind::nothing_stored, ""},
  };
  for (const auto& c : cases) {
    const auto meaning = meaning_of(c.line);
    EXPECT_EQ(meaning.what, c.what) << c.name;
    EXPECT_EQ(meaning.id, c.id) << c.name;
  }
}

std::vector<std::string> all_of(id_list& list) {
  std::vector<std::string> ids;
  while (auto id = list.next()) ids.push_back(*std::move(id));
  return ids;
}

// Words and files are taken in their order; lines that say nothing are counted, an unfinished last line is not.
TEST(id_list, words_and_files) {
  temporary_tree tree;
  const auto file = tree.root() / "urls.jsonl";
  std::ofstream(file) << R"({"type":"result","id":"one","status":"done"})"
                      << "\nsome words\n{\"type\":\"summary\"}\ntwo\n{\"type\":\"res";
  const std::vector<std::string> words{"zero", file.native(), "three"};
  id_list list(words);
  EXPECT_EQ(all_of(list), (std::vector<std::string>{"zero", "one", "two", "three"}));
  EXPECT_EQ(list.unreadable(), 1U);
}

// A file that is not there is a mistake, not an id; so are a directory and nothing at all.
TEST(id_list, mistakes) {
  temporary_tree tree;
  for (const auto& word : {std::string("no/such"), std::string("nosuch.jsonl"), tree.root().native(), std::string()})
    EXPECT_THROW(id_list(std::vector{word}), usage_error) << word;
}

} // namespace
} // namespace hoist::cli
