#pragma once

// The record on disk: one SQLite file, one process, one connection.
//
// WAL with synchronous=FULL: a commit that returned survives a power cut. locking_mode=EXCLUSIVE is set before WAL: it
// keeps other processes out (SQLite 3.40 can corrupt a WAL that two connections reset), and needs no shared memory
// file. A file system that cannot do WAL gets the rollback journal, which is as safe and slower; `notice` then says so.

#include "ledger/store.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace hoist::ledger {

/// Whom a ledger belongs to. Another API's or another key's record must not be believed.
struct owner {
  std::string api_origin;      ///< "https://host[:port]"
  std::string key_fingerprint; ///< says nothing about the key to whoever reads it
};

struct opening {
  bool rekey = false;       ///< take over a record made with another key
  bool earlier_runs = true; ///< false: `find` sees only what was put since it was opened
};

class sqlite_store final : public store {
 public:
  /// Opens or creates `file` (mode 0600). Throws boost::system::system_error (errc::ledger_failed) with what is wrong
  /// and what to do: in use by another process, not a ledger, damaged, of a newer version, of another API or key,
  /// read-only. The file is then left as it was.
  sqlite_store(const std::filesystem::path& file, const owner& whose, opening how = {});
  ~sqlite_store() override;

  std::optional<row> find(std::string_view path) override;
  void put(row r) override;
  void commit() override;
  bool durable() const noexcept override { return true; }

  std::string notice() const override { return notice_; }

 private:
  struct close_database {
    void operator()(sqlite3* db) const noexcept;
  };
  struct finalize {
    void operator()(sqlite3_stmt* s) const noexcept;
  };
  using statement = std::unique_ptr<sqlite3_stmt, finalize>;

  void refuse_what_others_can_write(unsigned owner, unsigned mode);
  void open_database();
  void lock_out_others();
  int version();
  void check_soundness();
  void choose_journal();
  void create_tables(const owner& whose);
  void admit(const owner& whose, bool rekey);
  void begin_run();

  void run(const char* sql);
  statement prepare(const char* sql);
  std::int64_t number(const char* sql);
  std::string text(const char* sql);
  void write_staged();
  void roll_back() noexcept;
  [[noreturn]] void fail(const std::string& what);
  void write(const row& r);

  std::filesystem::path file_;
  const bool earlier_runs_;
  std::int64_t run_ = 0; ///< of this opening; rows carry it
  std::string notice_;

  std::mutex mutex_; ///< look-ups come from intakes and the examiner, writes from the journal
  std::unique_ptr<sqlite3, close_database> db_;
  statement find_, put_;
  std::vector<row> staged_;
};

} // namespace hoist::ledger
