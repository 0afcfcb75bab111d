// Single uploads are looked up by a thread that may wait.

#include "engine/operation/examiner.hpp"

#include "gate.hpp"
#include "temporary_folder.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

/// A record in which a look-up waits, as it does while a commit is on its way to the disk.
class busy_store final : public ledger::store {
 public:
  std::optional<ledger::row> find(std::string_view) override {
    asked.add();
    disk.wait();
    return std::nullopt;
  }
  void put(ledger::row) override {}
  void commit() override {}
  bool durable() const noexcept override { return true; }

  test::gate disk{test::gate::closed};
  test::tally asked;
};

class examined : public testing::Test {
 protected:
  item file(const std::string& name) {
    item result;
    result.what = source::file(folder.write(name, "x"));
    result.owner = std::make_shared<run>(detail::upload_callback{}, core::instant{});
    return result;
  }
  admission::rules rules() {
    admission::rules r;
    r.record = &record;
    r.working_directory = folder.path().native();
    return r;
  }

  test::temporary_folder folder;
  busy_store record;
  const admission gate{rules(), [](const diagnostics&) { ADD_FAILURE() << "the record is sound"; }};
  test::tally accepted, settled_early;
};

// Whoever gives a file away does not wait; one that was stopped meanwhile is not looked up; all go on, also when it
// ends.
TEST_F(examined, without_anybody_waiting) {
  {
    examiner tested(gate, {[&](item f) {
                             EXPECT_TRUE(f.examined);
                             accepted.add();
                           },
                           [&](settled) { settled_early.add(); }});
    tested.put(file("first"));
    ASSERT_TRUE(record.asked.reaches(1));
    item stopped = file("stopped"), missing = file("missing");
    stopped.owner->request_stop(stop_mode::now);
    std::filesystem::remove(missing.what.path);
    tested.put(std::move(stopped));
    tested.put(std::move(missing));
    tested.put(file("last"));
    EXPECT_EQ(accepted.value(), 0);
    record.disk.let_pass();
  }
  EXPECT_EQ(accepted.value(), 3);
  EXPECT_EQ(settled_early.value(), 1);
  EXPECT_EQ(record.asked.value(), 3) << "first, last, and whether the missing one was stored before";
}

// Only a file with a name can be in a ledger; what cannot wait needs nobody to wait for it.
TEST_F(examined, what_may_wait) {
  item bytes;
  bytes.what = source::bytes("name", "x");
  EXPECT_TRUE(gate.waits(file("x")));
  EXPECT_FALSE(gate.waits(bytes));
  EXPECT_FALSE(admission({}, [](const diagnostics&) {}).waits(file("x")));
}

} // namespace
} // namespace hoist::engine
