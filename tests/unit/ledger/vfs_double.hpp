#pragma once

// Disks that SQLite meets in tests: one that stops working, and one whose power is cut.

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::ledger {

/// Stands between SQLite and the real disk while it lives. One at a time.
class vfs_double {
 public:
  vfs_double();
  virtual ~vfs_double();
  vfs_double(const vfs_double&) = delete;
  vfs_double& operator=(const vfs_double&) = delete;

 protected:
  /// What the real disk would do, for SQLite's answer.
  using real_call = std::function<int()>;

  virtual void opened(const std::string&) {}
  virtual int write(const std::string&, std::string_view, std::int64_t, const real_call& real) { return real(); }
  virtual int truncate(const std::string&, std::int64_t, const real_call& real) { return real(); }
  virtual int sync(const std::string&, const real_call& real) { return real(); }
  /// `for_good`: the folder is synced as well.
  virtual int remove(const std::string&, bool /*for_good*/, const real_call& real) { return real(); }

 private:
  struct calls;
  template <int Kind>
  struct methods_of_kind;

  sqlite3_vfs vfs_;
};

/// Every write and sync from the n-th on fails: a full disk that stays full.
class failing_disk final : public vfs_double {
 public:
  int left = -1; ///< operations that still succeed, and the one that fails first; negative: all do

 private:
  bool fails() { return left == 0 || (left > 0 && --left == 0); }
  int write(const std::string&, std::string_view, std::int64_t, const real_call& real) override {
    return fails() ? SQLITE_FULL : real();
  }
  int sync(const std::string&, const real_call& real) override { return fails() ? SQLITE_IOERR_FSYNC : real(); }
};

/// The power is cut at the n-th operation. Of what was written and not synced each sector may be there or not, in any
/// order; a file that was made, or removed, and not synced since may be there or not.
class power_cut final : public vfs_double {
 public:
  explicit power_cut(int at_operation) : left_(at_operation) {}

  bool happened() const noexcept { return left_ <= 0; }
  /// After it: one of the states that the disk may be in.
  void settle(unsigned seed);

 private:
  struct change {
    std::int64_t at; ///< negative: cut off at -at - 1
    std::string bytes;
  };
  struct platter {
    bool exists = false, removed = false;
    std::string synced;
    std::vector<change> since;
  };

  bool still_on() noexcept { return left_ > 0 && --left_ > 0; }

  void opened(const std::string& path) override;
  int write(const std::string& path, std::string_view bytes, std::int64_t at, const real_call& real) override;
  int truncate(const std::string& path, std::int64_t size, const real_call& real) override;
  int sync(const std::string& path, const real_call& real) override;
  int remove(const std::string& path, bool for_good, const real_call& real) override;

  int left_;
  std::map<std::string, platter> files_;
};

} // namespace hoist::ledger
