#pragma once

// The operations that have files in one shard, by the number under which its scheduler lets them take turns, and the
// files of each: to stop one costs what it has here, not what all have.

#include "core/schedule/file_queue.hpp"
#include "core/schedule/operation_queues.hpp"

#include <unordered_map>
#include <vector>

namespace hoist::engine {

class run;

class operations {
 public:
  core::operation_id add(const run* owner, core::file_id f) {
    const core::operation_id op = number_of(owner);
    if (f >= links_.size()) links_.resize(f + std::size_t{1});
    all_[op].files.push_back(f, links_);
    return op;
  }

  void remove(core::operation_id op, core::file_id f) {
    entry& e = all_[op];
    e.files.erase(f, links_);
    if (!e.files.empty()) return;
    numbers_.erase(e.owner);
    if (latest_ == op) latest_owner_ = nullptr;
    e.owner = nullptr;
    free_.push_back(op);
  }

  /// The files of `owner`, as they are now.
  std::vector<core::file_id> files_of(const run* owner) const {
    std::vector<core::file_id> result;
    const auto found = numbers_.find(owner);
    if (found == numbers_.end()) return result;
    const auto& files = all_[found->second].files;
    for (auto f = files.empty() ? core::queue_link::none : files.front(); f != core::queue_link::none;
         f = core::linked_queue::after(f, links_))
      result.push_back(f);
    return result;
  }

 private:
  struct entry {
    const run* owner = nullptr;
    core::linked_queue files;
  };

  core::operation_id number_of(const run* owner) {
    if (owner == latest_owner_) return latest_; // a batch's files come one after the other
    latest_owner_ = owner;
    const auto [at, is_new] = numbers_.try_emplace(owner);
    if (is_new) {
      if (free_.empty()) {
        at->second = static_cast<core::operation_id>(all_.size());
        all_.emplace_back();
      } else {
        at->second = free_.back();
        free_.pop_back();
      }
      all_[at->second].owner = owner;
    }
    return latest_ = at->second;
  }

  std::vector<entry> all_;
  std::vector<core::operation_id> free_;
  std::unordered_map<const run*, core::operation_id> numbers_;
  core::linked_queue::links links_;
  const run* latest_owner_ = nullptr;
  core::operation_id latest_ = 0;
};

} // namespace hoist::engine
