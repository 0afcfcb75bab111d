// What is found out about a file before any request, and what that does to what is known of it.

#include "engine/operation/admission.hpp"

#include "ledger/memory_store.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

class admission_with_record : public testing::Test {
 protected:
  std::optional<settled> examine(const std::string& path) {
    admission::rules rules;
    rules.record = &record;
    rules.working_directory = folder.path().native();
    const admission gate(rules, [](const diagnostics&) { ADD_FAILURE() << "the record is sound"; });
    item file;
    file.what = source::file(path);
    return gate.examine(file);
  }
  void know(const std::string& name, ledger::row_state state) {
    ledger::row r;
    r.path = (folder.path() / name).native();
    r.state = state;
    record.put(r);
  }

  test::temporary_folder folder;
  ledger::memory_store record{10};
};

// A file that cannot be looked at just now fails, and what was stored of it before stays known: it may be back
// unchanged. Where nothing better is known, the failure is recorded.
TEST_F(admission_with_record, out_of_sight) {
  know("done", ledger::row_state::done);
  know("leased", ledger::row_state::leased);
  know("failed", ledger::row_state::failed);
  for (const auto& [name, kept] : {std::pair{"done", true}, {"leased", true}, {"failed", false}, {"new", false}}) {
    const auto result = examine(name);
    ASSERT_TRUE(result) << name;
    EXPECT_EQ(result->report.error, errc::source_missing) << name;
    EXPECT_EQ(result->recorded, kept) << name;
  }
}

// A file of which nothing is known goes on, with what it is, and with the name that the ledger will know it by.
TEST_F(admission_with_record, a_new_file) {
  folder.write("x/a.png", "12345");
  admission::rules rules;
  rules.record = &record;
  const admission gate(rules, [](const diagnostics&) {});
  item file;
  file.what = source::file(folder.path() / "x" / ".." / "x" / "a.png");
  EXPECT_FALSE(gate.examine(file));
  EXPECT_EQ(file.identity.size, 5u);
  EXPECT_EQ(file.content_type, "image/png");
  EXPECT_EQ(file.record_name, (folder.path() / "x" / "a.png").native());
}

} // namespace
} // namespace hoist::engine
