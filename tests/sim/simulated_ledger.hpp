#pragma once

// What a killed process leaves behind: rows that were committed. Those that still wait for their group are gone.

#include "core/base/time.hpp"

#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace hoist::core::sim {

class simulated_ledger {
 public:
  using row = int; ///< the number of a file that is done

  static constexpr millis group_max{100}; ///< how long a row may wait for others to be committed with

  void put(row r, instant now) {
    if (group_.empty()) due_ = now + group_max;
    group_.push_back(r);
  }

  /// When the group is to be committed.
  std::optional<instant> due() const { return group_.empty() ? std::nullopt : std::optional(due_); }

  /// All rows of the group, which may be told from now on.
  std::vector<row> commit() {
    committed_.insert(group_.begin(), group_.end());
    return std::exchange(group_, {});
  }

  bool committed(row r) const { return committed_.contains(r); }
  void killed() { group_.clear(); }

 private:
  std::set<row> committed_;
  std::vector<row> group_;
  instant due_{};
};

} // namespace hoist::core::sim
