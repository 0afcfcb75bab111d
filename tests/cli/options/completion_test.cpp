#include "cli/options/completion.hpp"

#include "cli/options/help.hpp"
#include "cli/options/option_table.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

// Help and completions are made from the one table: no option is missing anywhere, no alias shows up.
TEST(completion, every_option_is_everywhere) {
  const std::vector<std::string> helps{upload_help(), delete_help(), bench_help()};
  ASSERT_EQ(helps.size(), commands().size());
  for (std::size_t i = 0; i < helps.size(); ++i) {
    const auto& command = commands()[i];
    for (const auto& option : command.options) {
      const auto name = "--" + std::string(option.name);
      EXPECT_NE(helps[i].find(name), std::string::npos) << name;
      EXPECT_NE(completion_script("bash")->find(name), std::string::npos) << name;
      EXPECT_NE(completion_script("zsh")->find(name), std::string::npos) << name;
      const auto fish = "seen_subcommand_from " + std::string(command.name) + "' -l " + std::string(option.name);
      EXPECT_NE(completion_script("fish")->find(fish), std::string::npos) << fish;
    }
  }
  EXPECT_EQ(helps[0].find("numworkers"), std::string::npos);
}

// Examples come before everything else, and the exit statuses are told.
TEST(completion, help_has_examples_first) {
  for (const auto& help : {upload_help(), delete_help(), bench_help()}) {
    EXPECT_LT(help.find("\n  hoist "), help.find("Usage:"));
    EXPECT_NE(help.find("Exit status:"), std::string::npos);
  }
}

TEST(completion, other_shells) {
  EXPECT_FALSE(completion_script("tcsh"));
}

} // namespace
} // namespace hoist::cli
