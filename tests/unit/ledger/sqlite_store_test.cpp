// What only the durable backend has: a file, an owner, and ways to be unusable.

#include "ledger/sqlite_store.hpp"

#include "ledger/fingerprint.hpp"
#include "temporary_folder.hpp"
#include "vfs_double.hpp"

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>

namespace hoist::ledger {
namespace {

namespace fs = std::filesystem;

const owner us{"https://api.example", "0123"};

class sqlite_ledger : public testing::Test {
 protected:
  test::temporary_folder folder;
  fs::path file = folder.path() / "a.ledger";

  static row done_row(const std::string& path) {
    row r;
    r.path = path;
    r.size = 7;
    r.public_url = "https://cdn.example/" + path;
    return r;
  }

  void make_with_one_row() {
    sqlite_store s(file, us);
    s.put(done_row("/a"));
    s.commit();
  }

  /// The sentence of the refusal; empty when it opens.
  std::string refusal(const owner& whose = us, opening how = {}) const {
    try {
      sqlite_store s(file, whose, how);
      return {};
    } catch (const boost::system::system_error& e) {
      EXPECT_EQ(e.code(), errc::ledger_failed);
      return e.what();
    }
  }

  std::string bytes() const {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void run_sql(const char* sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
};

// What was committed is there when the file is opened again; what was only put is not.
TEST_F(sqlite_ledger, committed_rows_stay) {
  {
    sqlite_store s(file, us);
    s.put(done_row("/a"));
    s.commit();
    s.put(done_row("/b"));
  }
  sqlite_store again(file, us);
  EXPECT_EQ(again.find("/a"), done_row("/a"));
  EXPECT_FALSE(again.find("/b"));
}

// A process that is killed takes nothing with it that was committed.
TEST_F(sqlite_ledger, a_killed_process_loses_nothing_committed) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    sqlite_store s(file, us);
    for (int i = 0; i < 50; ++i) {
      s.put(done_row("/" + std::to_string(i)));
      s.commit();
    }
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  sqlite_store s(file, us);
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(s.find("/" + std::to_string(i))) << i;
}

// The file is its owner's alone, its journal too.
TEST_F(sqlite_ledger, is_private) {
  sqlite_store s(file, us);
  s.put(done_row("/a"));
  s.commit();
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    struct ::stat status {};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
}

// What others may write is not believed, be it empty. (regression: it was, and what they made of it later as well)
TEST_F(sqlite_ledger, regression_one_that_others_can_write_is_refused) {
  std::ofstream(file).close();
  fs::permissions(file, fs::perms(0666));
  EXPECT_NE(refusal().find("can be written by others"), std::string::npos) << refusal();
  fs::permissions(file, fs::perms(0644));
  EXPECT_EQ(refusal(), "");
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give a file to another user";
  ASSERT_EQ(::chown(file.c_str(), 12345, static_cast<gid_t>(-1)), 0);
  EXPECT_NE(refusal().find("belongs to another user"), std::string::npos) << refusal();
}

// One process at a time: the second is told so at once, and the first goes on.
TEST_F(sqlite_ledger, is_in_use_by_one) {
  sqlite_store first(file, us);
  EXPECT_NE(refusal().find("in use by another process"), std::string::npos) << refusal();
  first.put(done_row("/a"));
  first.commit();
  EXPECT_TRUE(first.find("/a"));
}

// That a second uploader of the same process was refused does not let another process in.
TEST_F(sqlite_ledger, a_refusal_keeps_the_lock) {
  sqlite_store first(file, us);
  EXPECT_NE(refusal(), "");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // A program of its own, since SQLite may not be carried over a fork.
    const std::string open = "import sqlite3,sys\n"
                             "c = sqlite3.connect('" +
                             file.native() +
                             "', timeout=0)\n"
                             "try: c.execute('BEGIN IMMEDIATE')\n"
                             "except sqlite3.OperationalError: sys.exit(7)\n";
    ::execlp("python3", "python3", "-c", open.c_str(), nullptr);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

// Another API's record is refused, and named.
TEST_F(sqlite_ledger, belongs_to_an_api) {
  make_with_one_row();
  const auto text = refusal({"https://other.example", "0123"});
  EXPECT_NE(text.find("https://api.example"), std::string::npos) << text;
  EXPECT_NE(text.find("https://other.example"), std::string::npos) << text;
}

// Another key's record is refused, until it is taken over; then the old key's turn is over.
TEST_F(sqlite_ledger, belongs_to_a_key) {
  make_with_one_row();
  const owner other{"https://api.example", "4567"};
  EXPECT_NE(refusal(other).find("--rekey"), std::string::npos);
  EXPECT_EQ(refusal(other, {.rekey = true}), "");
  EXPECT_EQ(refusal(other), "");
  EXPECT_NE(refusal(us), "");
  EXPECT_TRUE(sqlite_store(file, other).find("/a"));
}

// A record of a later format is refused with its number and kept as it is.
TEST_F(sqlite_ledger, of_a_newer_version) {
  make_with_one_row();
  run_sql("PRAGMA user_version=7");
  const auto before = bytes();
  EXPECT_NE(refusal().find("newer hoist (format 7"), std::string::npos) << refusal();
  EXPECT_EQ(bytes(), before);
}

// Somebody else's database, and what is none, are refused and kept as they are.
TEST_F(sqlite_ledger, not_ours) {
  run_sql("CREATE TABLE photos (name TEXT)");
  auto before = bytes();
  EXPECT_NE(refusal().find("not one of hoist's"), std::string::npos) << refusal();
  EXPECT_EQ(bytes(), before);

  std::ofstream(file, std::ios::trunc) << std::string(5000, 'x');
  before = bytes();
  EXPECT_NE(refusal().find("no ledger of hoist's"), std::string::npos) << refusal();
  EXPECT_EQ(bytes(), before);
}

// A record that was cut short is refused and kept as it is.
TEST_F(sqlite_ledger, truncated) {
  {
    sqlite_store s(file, us);
    for (int i = 0; i < 1000; ++i) s.put(done_row("/" + std::to_string(i)));
    s.commit();
  }
  fs::resize_file(file, fs::file_size(file) / 2 / 4096 * 4096);
  const auto before = bytes();
  EXPECT_NE(refusal().find("damaged"), std::string::npos) << refusal();
  EXPECT_EQ(bytes(), before);
}

// Wherever a byte is changed, no row is believed that differs from what was written.
TEST_F(sqlite_ledger, flipped_bits) {
  {
    sqlite_store s(file, us);
    for (int i = 0; i < 20; ++i) s.put(done_row("/" + std::to_string(i)));
    s.commit();
  }
  const auto sound = bytes();
  int caught = 0;
  for (std::size_t at = 0; at < sound.size(); at += 13) {
    auto broken = sound;
    broken[at] = static_cast<char>(broken[at] ^ 0x20);
    std::ofstream(file, std::ios::binary | std::ios::trunc) << broken;
    try {
      sqlite_store s(file, us);
      for (int i = 0; i < 20; ++i) {
        const auto path = "/" + std::to_string(i);
        const auto found = s.find(path);
        EXPECT_TRUE(!found || *found == done_row(path)) << "byte " << at;
      }
    } catch (const boost::system::system_error&) {
      ++caught;
    }
  }
  EXPECT_GT(caught, 50);
}

// A folder that is not there, one that is the file, a FIFO and a link have their reasons.
TEST_F(sqlite_ledger, impossible_places) {
  file = folder.path() / "none" / "a.ledger";
  EXPECT_NE(refusal().find("No such file or directory"), std::string::npos) << refusal();
  file = folder.path();
  EXPECT_NE(refusal().find("directory"), std::string::npos) << refusal();
  file = folder.path() / "fifo";
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_NE(refusal().find("no regular file"), std::string::npos) << refusal();
  file = folder.path() / "link";
  fs::create_symlink(folder.path() / "target", file);
  EXPECT_NE(refusal().find("symbolic link"), std::string::npos) << refusal();
  EXPECT_FALSE(fs::exists(folder.path() / "target"));
}

// Opened to start anew, it knows what was put since and nothing from before; the next opening knows both.
TEST_F(sqlite_ledger, may_forget_earlier_runs) {
  make_with_one_row();
  {
    sqlite_store anew(file, us, {.earlier_runs = false});
    EXPECT_FALSE(anew.find("/a"));
    anew.put(done_row("/b"));
    EXPECT_TRUE(anew.find("/b"));
    anew.commit();
    EXPECT_TRUE(anew.find("/b"));
  }
  sqlite_store s(file, us);
  EXPECT_TRUE(s.find("/a"));
  EXPECT_TRUE(s.find("/b"));
}

// A disk that fails at the n-th write or sync, for every n: what was committed before stays, the commit that failed
// throws, and the file opens again afterwards.
TEST_F(sqlite_ledger, a_disk_that_fails_at_the_nth_operation) {
  make_with_one_row();
  const auto sound = bytes();
  failing_disk disk;
  bool went_through = false;
  int failures = 0;
  for (int n = 1; !went_through; ++n) {
    ASSERT_LT(n, 500);
    fs::remove(file.native() + "-wal");
    std::ofstream(file, std::ios::binary | std::ios::trunc) << sound;
    bool committed = false;
    disk.left = n;
    try {
      sqlite_store s(file, us);
      s.put(done_row("/b"));
      s.commit();
      committed = true;
      went_through = disk.left > 0;
    } catch (const boost::system::system_error& e) {
      EXPECT_EQ(e.code(), errc::ledger_failed);
      ++failures;
    }
    disk.left = -1;
    sqlite_store s(file, us);
    EXPECT_EQ(s.find("/a"), done_row("/a")) << n;
    EXPECT_TRUE(!committed || s.find("/b") == done_row("/b")) << n;
  }
  EXPECT_GT(failures, 3);
}

struct power_cut_ledger : sqlite_ledger, testing::WithParamInterface<bool> {
  using rows = std::map<std::string, row>;
  rows committed;
  rows under_way; ///< in the commit that did not return

  void begin_with(const std::string* content) {
    for (const char* beside : {"", "-wal", "-journal"}) fs::remove(file.native() + beside);
    committed.clear();
    under_way.clear();
    if (content == nullptr) return;
    std::ofstream(file, std::ios::binary) << *content;
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
    committed["/a"] = done_row("/a");
  }

  /// Three commits of forty rows, each of which has been there before.
  void commit_three_times() {
    sqlite_store s(file, us);
    for (unsigned turn = 0; turn < 3; ++turn) {
      for (int i = 0; i < 40; ++i) {
        row r = done_row("/" + std::to_string(i));
        r.size = turn;
        under_way[r.path] = r;
        s.put(std::move(r));
      }
      s.commit();
      for (auto& [path, r] : under_way) committed[path] = r;
      under_way.clear();
    }
  }

  void expect_whole_commits(const std::string& where) {
    sqlite_store s(file, us);
    std::size_t of_the_last = 0;
    for (const auto& [path, r] : under_way) of_the_last += s.find(path) == r ? 1 : 0;
    EXPECT_TRUE(of_the_last == 0 || of_the_last == under_way.size()) << where;
    rows expected = committed;
    if (of_the_last > 0)
      for (const auto& [path, r] : under_way) expected[path] = r;
    for (const auto& [path, r] : expected) EXPECT_EQ(s.find(path), r) << where;
  }
};

// The power is cut at the n-th operation, for every n, and of what was not synced any part may be on the disk: the file
// opens again, what was committed is there, and of the commit that was under way all or nothing.
TEST_P(power_cut_ledger, has_whole_commits) {
  make_with_one_row();
  const auto sound = bytes();
  constexpr unsigned states_tried = 6;
  int cuts = 0;
  for (bool went_through = false; !went_through;) {
    const int n = ++cuts;
    ASSERT_LT(n, 1000);
    for (unsigned state = 0; state < states_tried; ++state) {
      begin_with(GetParam() ? nullptr : &sound);
      {
        power_cut disk(n);
        try {
          commit_three_times();
        } catch (const boost::system::system_error& e) {
          EXPECT_EQ(e.code(), errc::ledger_failed);
        }
        went_through = !disk.happened();
        disk.settle(state * 1000 + static_cast<unsigned>(n));
      }
      expect_whole_commits("cut at operation " + std::to_string(n) + ", state " + std::to_string(state));
    }
  }
  EXPECT_GT(cuts, 20);
}

INSTANTIATE_TEST_SUITE_P(all, power_cut_ledger, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "a_new_file" : "a_file_with_a_row"; });

// The fingerprint tells keys and APIs apart, is the same every time, and holds nothing of the key.
TEST(key_fingerprint, tells_apart) {
  const auto print = key_fingerprint("sk-live-42", "https://api.example");
  EXPECT_EQ(print.size(), 32u);
  EXPECT_EQ(print, key_fingerprint("sk-live-42", "https://api.example"));
  EXPECT_NE(print, key_fingerprint("sk-live-43", "https://api.example"));
  EXPECT_NE(print, key_fingerprint("sk-live-42", "https://api.example:8443"));
}

} // namespace
} // namespace hoist::ledger
