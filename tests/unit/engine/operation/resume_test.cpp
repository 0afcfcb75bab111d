// What an earlier run's row means today, and what a file is called in the ledger.

#include "engine/operation/resume.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

using core::millis;
using core::wall_time;
using enum resume_verdict;
using ledger::row_state;

constexpr wall_time today{millis{1'800'000'000'000}};

ledger::row known(row_state state) {
  ledger::row r;
  r.state = state;
  r.size = 7;
  r.mtime_ns = 1;
  r.ctime_ns = 2;
  return r;
}

net::file_identity same() {
  return {7, 0, 0, 1, 2};
}

// In a normal run what is done is reported, what was under way is looked for, and the rest is uploaded; when only
// failed files are wanted, what no run knows is left out.
TEST(judge, states_and_modes) {
  struct {
    std::optional<ledger::row> known;
    resume_verdict all, failed;
  } const cases[] = {{std::nullopt, upload, leave_out},
                     {known(row_state::done), report, report},
                     {known(row_state::leased), adopt, adopt},
                     {known(row_state::failed), upload, upload}};
  for (const auto& c : cases) {
    const auto state = c.known ? static_cast<int>(c.known->state) : -1;
    EXPECT_EQ(judge(c.known, same(), today, resume_mode::all), c.all) << state;
    EXPECT_EQ(judge(c.known, same(), today, resume_mode::failed), c.failed) << state;
  }
}

// A file of another size or time is another file: not done, and not what was under way.
TEST(judge, a_changed_file) {
  for (const net::file_identity changed : {net::file_identity{8, 0, 0, 1, 2}, {7, 0, 0, 3, 2}, {7, 0, 0, 1, 3}}) {
    EXPECT_EQ(judge(known(row_state::done), changed, today, resume_mode::all), upload);
    EXPECT_EQ(judge(known(row_state::leased), changed, today, resume_mode::all), upload);
    EXPECT_EQ(judge(known(row_state::done), changed, today, resume_mode::failed), leave_out);
  }
}

// A copy on another disk with the same times is the same file: device and inode do not count.
TEST(judge, device_and_inode_do_not_count) {
  EXPECT_EQ(judge(known(row_state::done), {7, 55, 66, 1, 2}, today, resume_mode::all), report);
}

// What the API has deleted meanwhile is uploaded again; an unknown date never makes a done file undone.
TEST(judge, retention) {
  auto row = known(row_state::done);
  row.retained_until = today + millis{1};
  EXPECT_EQ(judge(row, same(), today, resume_mode::all), report);
  row.retained_until = today;
  EXPECT_EQ(judge(row, same(), today, resume_mode::all), upload);
}

// One file has one name, however its path is spelt; a name that is right already is not copied.
TEST(record_name, is_absolute_and_normal) {
  const struct {
    const char *folder, *path, *name;
  } cases[] = {{"/w", "a", "/w/a"},         {"/w", "./a", "/w/a"},    {"/w", "b/../a", "/w/a"},
               {"/w", "../a", "/a"},        {"/w", "b//a", "/w/b/a"}, {"/w", "b/./a", "/w/b/a"},
               {"/w", "/x/a", ""},          {"/w", "/x//a", "/x/a"},  {"/w", "/x/../a", "/a"},
               {"/w", "/x/a/", "/x/a"},     {"/", "a", "/a"},         {"/w", "..a", "/w/..a"},
               {"/w", "a..", "/w/a.."},     {"/w", "a/..", "/w"},     {"/w", ".", "/w"},
               {"/w", "a\xff", "/w/a\xff"}, {"/w", "/../a", "/a"},    {"/w", "", ""},
               {"/w", "...", "/w/..."},     {"/w", "//a", "/a"}};
  for (const auto& c : cases) EXPECT_EQ(record_name(c.folder, c.path), c.name) << c.path;
}

} // namespace
} // namespace hoist::engine
