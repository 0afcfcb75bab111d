#pragma once

// How many connections may be begun to one origin. A storm is impossible: attempts under way grow only as connections
// come about, and after a failed one at a host that answers on others (a balancer's limit of connections) the next is
// tried alone, after a pause that doubles.

#include "core/limits.hpp"
#include "core/time.hpp"

#include <algorithm>

namespace hoist::core {

struct connect_policy {
  int first = limits::connects_first;         ///< attempts under way at a host that has not been reached
  millis pause = limits::connect_pause_first; ///< after a failed attempt, the first time

  friend bool operator==(const connect_policy&, const connect_policy&) = default;
};

/// The share of one of `shards` alike schedulers, so that all together keep to `whole`.
constexpr connect_policy share_of(connect_policy whole, int shards) noexcept {
  return {std::max(1, whole.first / shards), whole.pause * shards};
}

class connection_pace {
 public:
  explicit connection_pace(connect_policy policy) noexcept : policy_(policy), at_once_(policy.first) {}

  /// Whether another may be begun beside `under_way`.
  bool may_open(instant now, int under_way) const noexcept { return under_way < at_once_ && now >= not_before_; }
  /// When to look again, if `under_way` is not what stands in the way.
  instant resumes() const noexcept { return not_before_; }
  /// A limit of connections has been met, and nothing since says that it is gone.
  bool limited() const noexcept { return pause_ > instant::duration{}; }

  void opened() noexcept {
    at_once_ = std::min(at_once_ + 1, limits::connects_max);
    if (at_once_ > policy_.first) pause_ = {};
  }

  void refused(instant now) noexcept {
    at_once_ = 1;
    if (now < not_before_) return; // one of those that were under way together
    const instant::duration least = policy_.pause;
    pause_ = std::clamp(2 * pause_, least, std::max<instant::duration>(least, limits::connect_pause_max));
    not_before_ = now + pause_;
  }

  /// After an outage: a few at a time again, without a pause.
  void restart() noexcept {
    at_once_ = policy_.first;
    pause_ = {};
    not_before_ = {};
  }

 private:
  connect_policy policy_;
  int at_once_;
  instant::duration pause_{};
  instant not_before_{};
};

} // namespace hoist::core
