#pragma once

// The origins of the storage: which have been reached, by any shard, and what number a shard's scheduler knows each by.

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"
#include "wire/url.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace hoist::engine {

/// What all shards together know. Any thread.
class origin_registry {
 public:
  struct knowledge {
    bool reached = false, served = false;
  };

  void note(const wire::origin& of, bool served) {
    const std::lock_guard lock(mutex_);
    if (known_.size() >= origins_max && !known_.contains(of.text())) return;
    auto& k = known_[of.text()];
    k.reached = true;
    k.served = k.served || served;
  }

  knowledge of(const wire::origin& o) const {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(o.text());
    return found == known_.end() ? knowledge{} : found->second;
  }

  /// The rate that all shards keep together at this origin; it lasts as long as the registry. Of more origins than can
  /// be remembered the others share one.
  core::shared_rate& rate_of(const wire::origin& o) {
    const std::lock_guard lock(mutex_);
    if (rates_.size() >= origins_max && !rates_.contains(o.text())) return others_;
    return rates_[o.text()];
  }

  /// A host is away, or back; true when no other shard has said so: it is told once.
  bool is_news(const std::string& host, bool away) {
    const std::lock_guard lock(mutex_);
    int& shards = away_[host];
    if (away) return ++shards == 1;
    const bool told = shards > 0;
    shards = 0;
    return told;
  }

 private:
  static constexpr std::size_t origins_max = 4096; ///< storages have a few; an API may make up one for each file

  mutable std::mutex mutex_;
  std::map<std::string, knowledge> known_;
  std::map<std::string, core::shared_rate> rates_;
  core::shared_rate others_;
  std::map<std::string, int> away_; ///< by host, how many shards find it so
};

/// The numbers of one shard's origins, given in the order in which they are met. When all are taken, one that nothing
/// refers to any more is given away; when there is none, those that are left over share the last.
class origin_numbers {
 public:
  /// `forget` is called with a number before it is given to another origin.
  template <class Forget>
  core::origin_id number_of(const wire::origin& o, core::scheduler& s, origin_registry& all, Forget forget) {
    if (latest_ < known_.size() && known_[latest_] && *known_[latest_] == o)
      return static_cast<core::origin_id>(latest_);
    for (std::size_t i = 0; i < known_.size(); ++i)
      if (known_[i] && *known_[i] == o) return take(i);
    if (known_.size() < core::limits::origins_max - 1) {
      known_.push_back(o);
      s.origin_is_shared(static_cast<core::origin_id>(known_.size() - 1), all.rate_of(o));
      return take(known_.size() - 1);
    }
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const auto id = static_cast<core::origin_id>(i);
      if (!s.origin_idle(id)) continue;
      forget(id);
      s.forget_origin(id);
      s.origin_is_shared(id, all.rate_of(o));
      known_[i] = o;
      return take(i);
    }
    return shared;
  }

  /// Nothing for the one that several share.
  const wire::origin* name_of(core::origin_id id) const noexcept {
    return id < known_.size() && known_[id] ? &*known_[id] : nullptr;
  }

  std::size_t size() const noexcept { return known_.size(); }

 private:
  static constexpr core::origin_id shared = core::limits::origins_max - 1;

  core::origin_id take(std::size_t i) noexcept {
    latest_ = i;
    return static_cast<core::origin_id>(i);
  }

  std::vector<std::optional<wire::origin>> known_;
  std::size_t latest_ = 0;
};

} // namespace hoist::engine
