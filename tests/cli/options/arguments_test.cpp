#include "cli/options/arguments.hpp"

#include "cli/base/usage_error.hpp"

#include <gtest/gtest.h>

#include <map>

namespace hoist::cli {
namespace {

environment variables_of(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto at = values.find(name);
    if (at == values.end()) return std::nullopt;
    return at->second;
  };
}

const environment nothing_set = variables_of({});

arguments parse(std::vector<std::string> words, const environment& variables = nothing_set) {
  return parse_arguments(upload_spec(), words, variables);
}

std::string refusal(std::vector<std::string> words, const environment& variables = nothing_set) {
  try {
    parse(std::move(words), variables);
  } catch (const usage_error& wrong) {
    return wrong.what();
  }
  return {};
}

struct spelling_case {
  const char* name;
  std::vector<std::string> words;
  const char* expected;
};

// A value may be the next word or joined on; other tools' names for it work as well, and the last one wins.
TEST(arguments, spellings_of_a_value) {
  const spelling_case cases[] = {
      {"next word", {"--concurrency", "8"}, "8"},
      {"equals", {"--concurrency=8"}, "8"},
      {"letter", {"-j", "8"}, "8"},
      {"letter, joined", {"-j8"}, "8"},
      {"letter, equals", {"-j=8"}, "8"},
      {"s5cmd's name", {"--numworkers", "8"}, "8"},
      {"rclone's name", {"--transfers=8"}, "8"},
      {"last wins", {"-j4", "-j", "8"}, "8"},
      {"a value may look like an option", {"-j", "-8"}, "-8"},
  };
  for (const auto& c : cases) {
    const auto typed = parse(c.words);
    ASSERT_NE(typed.last("concurrency"), nullptr) << c.name;
    EXPECT_EQ(typed.last("concurrency")->text, c.expected) << c.name;
    EXPECT_TRUE(typed.paths.empty()) << c.name;
  }
}

// Paths are bytes: none of them means anything but itself.
TEST(arguments, paths_are_kept_byte_for_byte) {
  const std::vector<std::string> odd{"[a,b]", "%%", "-", "a=b", "{}", "", "\xff", "completion", "a\nb"};
  EXPECT_EQ(parse(odd).paths, odd);
}

// After "--" nothing is an option.
TEST(arguments, double_dash_ends_the_options) {
  const auto typed = parse({"-q", "a", "--", "-q", "--help", "--"});
  EXPECT_EQ(typed.paths, (std::vector<std::string>{"a", "-q", "--help", "--"}));
  EXPECT_TRUE(typed.is_on("quiet"));
  EXPECT_FALSE(typed.is_on("help"));
}

// Letters join, flags count, and a flag can be switched off again.
TEST(arguments, flags) {
  const auto typed = parse({"-0nvv", "--no-summary=false", "x"});
  EXPECT_TRUE(typed.is_on("from0"));
  EXPECT_TRUE(typed.is_on("dry-run"));
  EXPECT_EQ(typed.count("verbose"), 2);
  EXPECT_FALSE(typed.is_on("no-summary"));
}

// --progress takes the next word only when it is one of its own.
TEST(arguments, optional_choice) {
  EXPECT_EQ(parse({"-P", "plain", "x"}).last("progress")->text, "plain");
  const auto bare = parse({"-P", "photos"});
  EXPECT_EQ(bare.last("progress")->text, "bar");
  EXPECT_EQ(bare.paths, (std::vector<std::string>{"photos"}));
}

// Each flag reads its variable, and what was typed wins.
TEST(arguments, variables) {
  const auto set = variables_of({{"HOIST_MAX_ERRORS", "3"}, {"HOIST_QUIET", "1"}, {"HOIST_OVERWRITE", "false"}});
  const auto typed = parse({"x"}, set);
  EXPECT_EQ(typed.last("max-errors")->text, "3");
  EXPECT_EQ(typed.last("max-errors")->origin, "HOIST_MAX_ERRORS");
  EXPECT_TRUE(typed.is_on("quiet"));
  EXPECT_FALSE(typed.is_on("overwrite"));
  EXPECT_EQ(parse({"--max-errors", "7"}, set).last("max-errors")->text, "7");
  EXPECT_FALSE(parse({"--quiet=0"}, set).is_on("quiet"));
}

// A refusal names what was typed.
TEST(arguments, refusals) {
  EXPECT_NE(refusal({"--concurency", "8"}).find("did you mean --concurrency?"), std::string::npos);
  EXPECT_NE(refusal({"-Z"}).find("-Z"), std::string::npos);
  EXPECT_NE(refusal({"--retries"}).find("--retries N"), std::string::npos);
  EXPECT_NE(refusal({"--quiet=maybe"}).find("maybe"), std::string::npos);
  EXPECT_NE(refusal({"x"}, variables_of({{"HOIST_QUIET", "yes"}})).find("HOIST_QUIET"), std::string::npos);
}

// No name, alias or letter means two things.
TEST(arguments, the_table_is_unambiguous) {
  for (const auto& command : commands()) {
    for (const auto& option : command.options) {
      EXPECT_EQ(command.find(option.name), &option) << option.name;
      if (option.letter != 0) {
        EXPECT_EQ(command.find(option.letter), &option) << option.letter;
      }
      for_each_piece(option.aliases, ' ',
                     [&](std::string_view alias) { EXPECT_EQ(command.find(alias), &option) << alias; });
    }
  }
}

} // namespace
} // namespace hoist::cli
