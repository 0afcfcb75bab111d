#pragma once

// PATHs that overlap are taken once. Compared are absolute paths, normalised by their letters alone ("a/../b" is "b",
// links are not resolved).
//
// Kept in memory: each PATH of the command line and each directory walked as text; of the entries of lists, which may
// have no end, and, where there is a list, of what walks take, the last half a million at least, as up to 16 bytes
// each. What comes up again after that is a file like any other, which the ledger knows.

#include "cli/base/name_hash.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace hoist::cli {

/// `path` against `directory`, which is absolute; without "." and "..", doubled and trailing slashes.
std::string normalised(std::string_view directory, std::string_view path);

/// Open addressing; grows by doubling.
class hash_set {
 public:
  bool insert(std::uint64_t hash); ///< false when it is in already
  bool contains(std::uint64_t hash) const;
  void clear(); ///< keeps its memory
  bool empty() const { return used_ == 0; }
  std::size_t size() const { return used_; }

 private:
  std::size_t slot_of(std::uint64_t hash) const;
  void grow();

  std::vector<std::uint64_t> slots_; ///< 0: free
  std::size_t used_ = 0;
};

/// The last so many that were inserted, and at most twice as many.
class recent_hashes {
 public:
  explicit recent_hashes(std::size_t at_least) : at_least_(at_least) {}

  bool insert(std::uint64_t hash); ///< false when it is in already
  bool contains(std::uint64_t hash) const { return newer_.contains(hash) || older_.contains(hash); }
  bool empty() const { return newer_.empty() && older_.empty(); }

 private:
  std::size_t at_least_;
  hash_set newer_, older_;
};

class taken_paths {
 public:
  /// Told of every PATH of the command line before anything is taken; false when it was named before.
  bool name_root(const std::string& absolute);
  /// There is a list: what walks take has to be remembered, since an entry may name it again.
  void expect_lists() { lists_expected_ = true; }
  /// A directory is about to be walked that nobody has walked from above; `root` is its name as given.
  void begin_walk(const std::string& absolute, std::string root);
  /// A walk takes this file, or enters this directory.
  void note_found(std::string_view absolute);

  /// An entry of a list that is a PATH as well, or that a walk has taken.
  bool covers(std::string_view absolute) const;
  struct walk {
    const std::string& root; ///< as given
    std::string_view below;  ///< the rest of the path that was asked about
  };
  /// The walk, begun or over, below whose root a path lies. What the walk has not taken may have come into being since.
  std::optional<walk> walk_above(std::string_view absolute) const;
  /// False when the list, or another, had it before, not long ago.
  bool take_listed(std::string_view absolute);

  /// True when nothing that a walk finds can be taken otherwise, so that it need neither ask nor tell.
  bool walk_is_alone() const { return roots_.size() <= 1 && !lists_expected_; }
  /// What a walk leaves out: it is taken in its own turn, or was.
  bool leaves_out(std::string_view absolute) const;

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using text_set = std::unordered_set<std::string, text_hash, std::equal_to<>>;

  std::uint64_t hash_of(std::string_view absolute) const;

  name_hash hash_;
  bool lists_expected_ = false;
  text_set roots_; ///< named on the command line, or walked
  std::unordered_map<std::string, std::string, text_hash, std::equal_to<>> walked_; ///< by absolute path, as given
  recent_hashes listed_{std::size_t{1} << 19};
  recent_hashes found_{std::size_t{1} << 19};
};

} // namespace hoist::cli
