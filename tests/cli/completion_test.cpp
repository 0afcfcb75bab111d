#include "cli/completion.hpp"

#include "cli/help.hpp"
#include "cli/option_table.hpp"

#include <gtest/gtest.h>

namespace hoist::cli {
namespace {

// Help and completions are made from the one table: no option is missing anywhere, no alias shows up.
TEST(completion, every_option_is_everywhere) {
  const auto help = upload_help();
  for (const auto& option : upload_options()) {
    const auto name = "--" + std::string(option.name);
    EXPECT_NE(help.find(name), std::string::npos) << name;
    EXPECT_NE(completion_script("bash")->find(name), std::string::npos) << name;
    EXPECT_NE(completion_script("zsh")->find(name), std::string::npos) << name;
    EXPECT_NE(completion_script("fish")->find("-l " + std::string(option.name)), std::string::npos) << name;
  }
  EXPECT_EQ(help.find("numworkers"), std::string::npos);
}

// Examples come before everything else, and the exit statuses are told.
TEST(completion, help_has_examples_first) {
  const auto help = upload_help();
  EXPECT_LT(help.find("hoist upload photos/"), help.find("Usage:"));
  EXPECT_NE(help.find("Exit status:"), std::string::npos);
}

TEST(completion, other_shells) {
  EXPECT_FALSE(completion_script("tcsh"));
}

} // namespace
} // namespace hoist::cli
