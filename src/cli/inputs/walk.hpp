#pragma once

// Walks one directory tree, an entry at a time, as the kernel lists it.
//
// Two descriptors at any depth, no recursion, and names are opened relative to their directory: neither depth nor the
// length of a path is a limit. Symbolic links are never followed. Kept in memory: the names of directories that are
// still to be entered, for each level on the way down.

#include "cli/base/unique_fd.hpp"

#include <dirent.h>
#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::cli {

class tree_walk {
 public:
  enum class kind : std::uint8_t {
    regular,
    symlink,
    special,    ///< FIFO, socket, device
    directory,  ///< one that is not entered; the others are not told of
    unreadable, ///< could not be looked at; `error` says why
  };

  struct item {
    kind what;
    std::string_view below; ///< path below the root; valid until the next call
    ino_t inode = 0;
    int error = 0; ///< errno
  };

  enum class descent { enter, tell, leave_out };
  /// Decides for each directory below the root.
  using descent_rule = std::function<descent(std::string_view below)>;

  /// `root` is an open directory, read with O_RDONLY.
  tree_walk(unique_fd root, descent_rule rule);

  std::optional<item> next();

  /// Of the item that `next` told of last; nothing when it vanished.
  std::optional<struct ::stat> stat_current() const;

 private:
  struct level {
    std::string pending; ///< names of directories to enter, each ended by NUL
    std::size_t at = 0;  ///< of the next one in `pending`
    dev_t device = 0;
    ino_t inode = 0;
    std::size_t path_size = 0; ///< length of this directory's part in `path_`, its slash included
  };
  struct close_directory {
    void operator()(DIR* d) const { ::closedir(d); }
  };

  std::optional<item> read_entry();
  std::optional<item> classify(const dirent& entry);
  std::optional<item> visit_directory(std::string_view name, ino_t inode);
  std::optional<item> descend();
  std::optional<item> ascend();
  int open_directory(unique_fd fd, std::size_t path_size);
  int reopen(std::size_t climbs);
  unique_fd open_from_root() const;
  int here() const;
  std::string_view path_of(std::string_view name);

  unique_fd root_;
  descent_rule rule_;
  std::unique_ptr<DIR, close_directory> stream_; ///< of the directory that is read or was read last
  unique_fd here_;                               ///< instead of `stream_` after going up
  bool reading_ = false;
  std::vector<level> levels_;
  std::string path_; ///< below the root, ends in '/', then the last item's name
  int root_error_ = 0;
};

} // namespace hoist::cli
