#pragma once

// The files that hoist itself writes: a walk must not upload them. Known by device and inode, and the ledger's
// companions, which come and go while it is open, by the ledger's name.

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hoist::cli {

class own_files {
 public:
  /// A file that exists; others are ignored.
  void add(const std::filesystem::path& file);
  void add_open(int fd);
  /// A database, with the journals that its engine puts beside it. It need not exist yet.
  void add_ledger(const std::filesystem::path& file);

  /// Cheap, from what a directory's listing tells; `may_hold` is true for every file that `holds` is true for.
  bool may_hold(ino_t inode, std::string_view name) const;
  bool holds(const struct ::stat& file, std::string_view name) const;

 private:
  using identity = std::pair<dev_t, ino_t>;
  std::vector<identity> files_;
  std::string ledger_name_;
};

} // namespace hoist::cli
