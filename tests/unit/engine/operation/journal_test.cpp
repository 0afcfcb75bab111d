// From a settled file to its caller: the journal makes it durable, the reporter tells it, and neither waits for
// anybody's callbacks but those of the operation concerned. Nothing here sleeps: whoever has to wait is held by a gate.

#include "engine/operation/journal.hpp"

#include "engine/operation/reporter.hpp"
#include "engine/operation/run.hpp"
#include "gate.hpp"

#include <boost/system/system_error.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>

namespace hoist::engine {
namespace {

using test::gate;
using test::tally;

core::instant now() {
  return std::chrono::steady_clock::now();
}

/// A record whose commits can be held and can fail.
class held_store final : public ledger::store {
 public:
  std::optional<ledger::row> find(std::string_view) override { return std::nullopt; }
  void put(ledger::row r) override {
    const std::lock_guard lock(mutex_);
    put_.push_back(std::move(r));
  }
  void commit() override {
    committing.add();
    disk.wait();
    if (fails)
      throw boost::system::system_error(make_error_code(errc::ledger_failed), "the ledger l cannot be written");
    const std::lock_guard lock(mutex_);
    for (const auto& r : put_) durable_.insert(r.path);
    committed.add();
  }
  bool durable() const noexcept override { return false; } // groups linger for less

  bool has(const std::string& path) const {
    const std::lock_guard lock(mutex_);
    return durable_.contains(path);
  }
  std::vector<ledger::row> all_put() const {
    const std::lock_guard lock(mutex_);
    return put_;
  }

  gate disk{gate::open};
  std::atomic<bool> fails{false};
  tally committing, committed;

 private:
  mutable std::mutex mutex_;
  std::vector<ledger::row> put_;
  std::set<std::string> durable_;
};

/// A batch whose files the test settles itself.
struct watched_batch {
  explicit watched_batch(gate& held) : door(held) {}

  batch make() {
    batch b;
    b.sink = [this](file_report&& r) {
      begun.add();
      door.wait();
      note(r.path.native());
      told.add();
    };
    b.flush = [this] { note("flush"); };
    return b;
  }
  void note(std::string what) {
    const std::lock_guard lock(mutex);
    events.push_back(std::move(what));
  }

  gate& door;
  tally begun, told, completed;
  std::mutex mutex;
  std::vector<std::string> events;
  error_code error;
  batch_report totals;
};

class journal_and_reporter : public testing::Test {
 protected:
  std::shared_ptr<run> begin(watched_batch& b) { return begin(b, b.make()); }
  std::shared_ptr<run> begin(watched_batch& b, batch with) {
    auto r = std::make_shared<run>(std::move(with), detail::batch_callback([&b](error_code ec, batch_report totals) {
                                     b.error = ec;
                                     b.totals = std::move(totals);
                                     b.note("completed");
                                     b.completed.add();
                                   }),
                                   now());
    out.begin(r);
    return r;
  }
  static std::shared_ptr<run> single(tally& completed, file_report& into) {
    return std::make_shared<run>(detail::upload_callback([&](error_code ec, file_report r) {
                                   EXPECT_EQ(ec, r.error);
                                   into = std::move(r);
                                   completed.add();
                                 }),
                                 now());
  }

  static settled done(const std::shared_ptr<run>& owner, const std::string& path) {
    owner->file_taken();
    settled s;
    s.owner = owner;
    s.report.path = path;
    s.report.id = "id of " + path;
    return s;
  }
  void settle(const std::shared_ptr<run>& owner, const std::string& path) {
    std::vector<settled> group;
    group.push_back(done(owner, path));
    tested.put(group);
    EXPECT_TRUE(group.empty());
  }

  gate open{gate::open};
  held_store record;
  tally left, failures;
  std::function<void(const diagnostics&)> on_failure = [](const diagnostics&) {};
  reporter out{{[] { return counters{}; }, [this](const std::shared_ptr<run>&) { left.add(); }}};
  journal tested{record, out, [this](const diagnostics& why) {
                   failures.add();
                   on_failure(why);
                 }};
};

// A row follows its commit, always.
TEST_F(journal_and_reporter, rows_follow_their_commit) {
  watched_batch b(open);
  batch with = b.make();
  with.sink = [&, inner = with.sink](file_report&& r) {
    EXPECT_TRUE(record.has(r.path.native())) << r.path;
    inner(std::move(r));
  };
  const auto r = begin(b, std::move(with));
  record.disk.shut();
  settle(r, "first");
  ASSERT_TRUE(record.committing.reaches(1));
  EXPECT_EQ(b.begun.value(), 0);
  record.disk.let_pass();
  for (int i = 0; i < 200; ++i) settle(r, std::to_string(i));
  r->reports().end();
  ASSERT_TRUE(b.completed.reaches(1));
  EXPECT_EQ(b.told.value(), 201);
  EXPECT_TRUE(b.totals.complete);
  EXPECT_FALSE(b.error);
  ASSERT_TRUE(left.reaches(1));
}

// A sink that blocks delays no commit: what is settled meanwhile is durable, and is told in its order later.
TEST_F(journal_and_reporter, a_sink_that_blocks_delays_no_commit) {
  gate door{gate::closed};
  watched_batch b(door);
  const auto r = begin(b);
  settle(r, "0");
  ASSERT_TRUE(b.begun.reaches(1));
  for (int i = 1; i < 20; ++i) {
    const auto commits = record.committed.value();
    settle(r, std::to_string(i));
    ASSERT_TRUE(record.committed.reaches(commits + 1));
  }
  EXPECT_EQ(b.begun.value(), 1);
  EXPECT_EQ(r->files_open(), 20u) << "what has not been told is open: that bounds what waits";
  door.let_pass();
  r->reports().end();
  ASSERT_TRUE(b.completed.reaches(1));
  int told = 0;
  for (const auto& event : b.events)
    if (event != "flush" && event != "completed") {
      EXPECT_EQ(event, std::to_string(told++));
    }
  EXPECT_EQ(told, 20);
  ASSERT_TRUE(left.reaches(1));
}

// A sink that blocks delays no other operation: another batch and a single upload complete meanwhile.
TEST_F(journal_and_reporter, a_sink_that_blocks_delays_no_other_operation) {
  gate door{gate::closed};
  watched_batch slow(door), other(open);
  const auto held = begin(slow), free = begin(other);
  settle(held, "held");
  ASSERT_TRUE(slow.begun.reaches(1));
  std::vector<settled> mixed; // in one group with the slow one's
  for (int i = 0; i < 100; ++i) {
    mixed.push_back(done(held, "h" + std::to_string(i)));
    mixed.push_back(done(free, "f" + std::to_string(i)));
  }
  tested.put(mixed);
  free->reports().end();
  tally completed;
  file_report report;
  settle(single(completed, report), "one");
  ASSERT_TRUE(completed.reaches(1));
  EXPECT_EQ(report.path, "one");
  ASSERT_TRUE(other.completed.reaches(1));
  EXPECT_EQ(other.told.value(), 100);
  ASSERT_TRUE(left.reaches(2));
  EXPECT_EQ(slow.told.value(), 0);
  door.let_pass();
  held->reports().end();
  ASSERT_TRUE(slow.completed.reaches(1));
  EXPECT_EQ(slow.told.value(), 101);
  ASSERT_TRUE(left.reaches(3));
}

// Nothing is told as settled that the ledger did not take, nor anything after; the failure is told once, and before.
TEST_F(journal_and_reporter, what_was_not_recorded_is_not_told) {
  watched_batch b(open);
  const auto r = begin(b);
  tally completed;
  file_report report;
  const auto one = single(completed, report);
  on_failure = [&](const diagnostics& why) {
    EXPECT_EQ(why.message, "the ledger l cannot be written");
    r->end(errc::ledger_failed, why);
    one->end(errc::ledger_failed, why);
  };
  record.fails = true;
  settle(r, "a");
  ASSERT_TRUE(failures.reaches(1));
  settle(one, "one");
  settle(r, "b");
  r->reports().end();
  ASSERT_TRUE(completed.reaches(1));
  EXPECT_EQ(report.error, errc::ledger_failed);
  EXPECT_TRUE(report.id.empty());
  EXPECT_EQ(report.details.message, "the ledger l cannot be written");
  ASSERT_TRUE(b.completed.reaches(1));
  EXPECT_EQ(b.told.value(), 0);
  EXPECT_EQ(b.totals.unsettled, 2u);
  EXPECT_EQ(b.error, errc::ledger_failed);
  EXPECT_EQ(failures.value(), 1);
  EXPECT_EQ(record.committing.value(), 1) << "a ledger that failed is left alone";
  ASSERT_TRUE(left.reaches(2));
}

// A lease that comes in the same group as its file's end is overtaken by that, in whatever order they came.
TEST_F(journal_and_reporter, an_end_overtakes_its_lease) {
  watched_batch b(open);
  const auto r = begin(b);
  record.disk.shut();
  settle(r, "earlier");
  ASSERT_TRUE(record.committing.reaches(1));
  settle(r, "x");
  std::vector<ledger::row> leases(1);
  leases[0].path = "x";
  leases[0].state = ledger::row_state::leased;
  tested.lease(leases);
  EXPECT_TRUE(leases.empty());
  record.disk.let_pass();
  r->reports().end();
  ASSERT_TRUE(b.completed.reaches(1));
  std::map<std::string, ledger::row_state> last;
  for (const auto& row : record.all_put()) last[row.path] = row.state;
  EXPECT_EQ(last.at("x"), ledger::row_state::done);
  EXPECT_EQ(record.all_put().size(), 3u);
  ASSERT_TRUE(left.reaches(1));
}

// After the last row comes a flush, then the last progress, then the completion.
TEST_F(journal_and_reporter, the_end_of_a_batch_in_its_order) {
  watched_batch b(open);
  batch with = b.make();
  with.watch.on_progress = [&](const counters&) { b.note("progress"); };
  const auto r = begin(b, std::move(with));
  for (int i = 0; i < 50; ++i) settle(r, "file");
  r->reports().end();
  ASSERT_TRUE(b.completed.reaches(1));
  const auto last = [&](const std::string& what) {
    return std::ranges::find(b.events.rbegin(), b.events.rend(), what);
  };
  EXPECT_LT(last("flush"), last("file")) << "backwards";
  ASSERT_GE(b.events.size(), 50u);
  EXPECT_EQ(b.events.front(), "progress");
  const std::vector<std::string> end(b.events.end() - 2, b.events.end());
  EXPECT_EQ(end, (std::vector<std::string>{"progress", "completed"}));
  EXPECT_EQ(b.told.value(), 50);
  ASSERT_TRUE(left.reaches(1));
}

// A sink that writes what it collects in `flush` is flushed in the midst of a large group as well, and at its end.
TEST_F(journal_and_reporter, large_groups_are_flushed_in_parts) {
  watched_batch b(open);
  const auto r = begin(b);
  std::vector<settled> group;
  for (int i = 0; i < 3000; ++i) group.push_back(done(r, "file"));
  tested.put(group);
  r->reports().end();
  ASSERT_TRUE(b.completed.reaches(1));
  std::size_t unflushed = 0;
  for (const auto& event : b.events) {
    if (event == "completed") {
      EXPECT_EQ(unflushed, 0u);
    }
    unflushed = event == "file" ? unflushed + 1 : 0;
    EXPECT_LE(unflushed, 1024u);
  }
  ASSERT_TRUE(left.reaches(1));
}

// Every batch hears each line; while one's sink blocks, a bounded number waits for it, and what is missing is said.
TEST_F(journal_and_reporter, lines_reach_every_batch) {
  gate door{gate::closed};
  watched_batch slow(door), other(open);
  std::vector<std::string> heard_late;
  tally heard;
  batch with = slow.make(), with_other = other.make();
  with.watch.on_log = [&](severity, const std::string& text) { heard_late.push_back(text); };
  with_other.watch.on_log = [&](severity, const std::string&) { heard.add(); };
  const auto r = begin(slow, std::move(with)), r_other = begin(other, std::move(with_other));
  settle(r, "held");
  ASSERT_TRUE(slow.begun.reaches(1));
  constexpr int more = 10, lines = static_cast<int>(report_queue::lines_max) + more;
  for (int i = 0; i < lines; ++i) {
    tested.log(severity::info, std::to_string(i));
    ASSERT_TRUE(heard.reaches(i + 1));
  }
  door.let_pass();
  r->reports().end();
  r_other->reports().end();
  ASSERT_TRUE(slow.completed.reaches(1));
  ASSERT_EQ(heard_late.size(), report_queue::lines_max + 1);
  EXPECT_EQ(heard_late.front(), "0");
  EXPECT_TRUE(heard_late.back().starts_with("10 lines are missing")) << heard_late.back();
  ASSERT_TRUE(left.reaches(2));
}

// What ended a single upload from outside is what its caller hears, be it that another file brought the news; a reason
// of its own stays, and so does a cancellation.
TEST_F(journal_and_reporter, why_a_single_upload_was_abandoned) {
  diagnostics news;
  news.message = "401";
  struct {
    const char* name;
    errc error;
    const char* message;
    bool ended;
    errc expected;
    const char* expected_message;
  } const cases[] = {
      {"the news came by another", errc::cancelled, "", true, errc::key_refused, "401"},
      {"the scheduler knew, without details", errc::key_refused, "", true, errc::key_refused, "401"},
      {"its own news", errc::key_refused, "401 of mine", true, errc::key_refused, "401 of mine"},
      {"cancelled", errc::cancelled, "", false, errc::cancelled, ""},
  };
  int gone = 0;
  for (const auto& c : cases) {
    tally completed;
    file_report report;
    const auto r = single(completed, report);
    if (c.ended) {
      EXPECT_TRUE(r->end(errc::key_refused, news));
      EXPECT_FALSE(r->end(errc::tls_refused, {})) << "the first cause stays";
    }
    settled s = done(r, "x");
    s.abandoned = true;
    s.report.error = c.error;
    s.report.details.message = c.message;
    std::vector<settled> group;
    group.push_back(std::move(s));
    tested.put(group);
    ASSERT_TRUE(left.reaches(++gone)) << c.name;
    EXPECT_EQ(completed.value(), 1) << c.name;
    EXPECT_EQ(report.error, c.expected) << c.name;
    EXPECT_EQ(report.details.message, c.expected_message) << c.name;
  }
}

} // namespace
} // namespace hoist::engine
