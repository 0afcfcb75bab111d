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

  /// Whether another may be begun beside `standing` and those `under_way`. Never more at once than there are; and once a
  /// limit has been met, one beyond it now and then.
  bool may_open(instant now, int under_way, int standing) const noexcept {
    if (under_way >= std::min(at_once_, std::max(policy_.first, standing))) return false;
    return now >= resumes(standing);
  }
  /// When to look again, if `under_way` is not what stands in the way.
  instant resumes(int standing) const noexcept { return standing < limit_ ? again_ : beyond_again_; }
  /// A limit of connections has been met, and nothing since says that it is gone.
  bool limited() const noexcept { return pause_ > instant::duration{}; }

  /// One came about and was of use; with it there are `proven` such.
  void opened(int proven) noexcept {
    if (!limited()) {
      at_once_ = std::min(at_once_ + 1, limits::connects_max);
    } else if (proven > limit_) {
      limit_ = proven;
      if (++beyond_ >= policy_.first) restart();
    }
  }

  /// One did not, or was dropped at once, while `proven` others were of use.
  void refused(instant now, int proven) noexcept {
    at_once_ = 1;
    limit_ = proven;
    beyond_ = 0;
    const instant::duration least = policy_.pause;
    again_ = now + least;
    if (now < beyond_again_) return; // one of those that were under way together, or it met a lower limit
    pause_ = std::clamp(2 * pause_, least, std::max<instant::duration>(least, limits::connect_pause_max));
    beyond_again_ = now + pause_;
  }

  /// After an outage: a few at a time again, without a pause.
  void restart() noexcept {
    at_once_ = policy_.first;
    beyond_ = 0;
    pause_ = {};
    again_ = beyond_again_ = {};
  }

 private:
  connect_policy policy_;
  int at_once_;
  int limit_ = 0;  ///< so many there were when one was refused, and as many as there have been since
  int beyond_ = 0; ///< came about beyond it, with none refused
  instant::duration pause_{};
  instant again_{}, beyond_again_{}; ///< when one may be begun: below the limit, and beyond it
};

} // namespace hoist::core
