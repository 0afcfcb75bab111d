#pragma once

// The objects that a benchmark made and that may still be there. Any thread may use it.

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace hoist::cli {

class made_objects {
 public:
  /// Stored for certain.
  void stored(std::string id) { put(std::move(id), true); }
  /// A PUT that did not end well may have stored something under it.
  void maybe_stored(std::string id) { put(std::move(id), false); }

  /// The API says that it is gone.
  void gone(const std::string& id) {
    const std::lock_guard lock(mutex_);
    there_.erase(id);
  }
  /// The API says that there is nothing of this id. Of one that is stored for certain that is no answer to rely on: an
  /// API without deletion says the same. True when it is believed.
  bool unknown(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto at = there_.find(id);
    if (at == there_.end()) return true;
    if (at->second) return false;
    there_.erase(at);
    return true;
  }

  std::vector<std::string> ids() const {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    all.reserve(there_.size());
    for (const auto& [id, certain] : there_) all.push_back(id);
    return all;
  }
  std::uint64_t count() const {
    const std::lock_guard lock(mutex_);
    return there_.size();
  }

 private:
  void put(std::string id, bool certain) {
    const std::lock_guard lock(mutex_);
    auto& known = there_[std::move(id)];
    known = known || certain;
  }

  mutable std::mutex mutex_;
  std::unordered_map<std::string, bool> there_; ///< id -> stored for certain
};

} // namespace hoist::cli
