#pragma once

// Which origins of the storage have been connected to, by any shard. Tells one that nobody answers at from a storage that is away.

#include "wire/url.hpp"

#include <mutex>
#include <set>
#include <string>

namespace hoist::engine {

class reached_origins {
 public:
  /// Any thread.
  void insert(const wire::origin& reached) {
    const std::lock_guard lock(mutex_);
    if (known_.size() < origins_max) known_.insert(reached.text());
  }

  /// Others have been reached, and this one never. While there are more than can be remembered, none is.
  bool is_stray(const wire::origin& of) const {
    const std::lock_guard lock(mutex_);
    return !known_.empty() && known_.size() < origins_max && !known_.contains(of.text());
  }

 private:
  static constexpr std::size_t origins_max = 4096; ///< storages have a few; an API may make up one for each file

  mutable std::mutex mutex_;
  std::set<std::string> known_;
};

} // namespace hoist::engine
