#pragma once

// How many connections may be begun to one origin. A storm is impossible: attempts under way grow only as connections
// come about. One that is refused beside others that are of use shows a limit of connections: those that are lost below
// it are made anew one at a time, and one beyond it is tried after a pause that doubles.

#include "core/base/limits.hpp"
#include "core/base/time.hpp"

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

  /// Whether another may be begun beside `standing` and those `under_way`.
  bool may_open(instant now, int under_way, int standing) const noexcept {
    if (under_way >= at_once_) return false;
    return !limited() || (now >= again_ && standing + under_way < limit_at(now));
  }
  /// When another may be begun beside `standing` ones, if no attempt under way is in its place.
  instant resumes(int standing) const noexcept {
    if (!limited()) return {};
    if (standing < limit_) return again_;
    return std::max(again_, later(beyond_again_, (standing - limit_) * instant::duration(policy_.pause)));
  }
  /// A limit of connections has been met, and nothing since says that it is gone.
  bool limited() const noexcept { return pause_ > instant::duration{}; }

  /// One came about and was of use; with it there are `proven` such.
  void opened(int proven) noexcept {
    at_once_ = std::min(at_once_ + 1, limits::connects_max);
    limit_ = std::max(limit_, proven);
  }

  /// One did not, or was dropped at once, while `proven` others were of use.
  void refused(instant now, int proven) noexcept {
    at_once_ = 1;
    limit_ = proven;
    const instant::duration least = policy_.pause;
    again_ = now + least;
    if (now < beyond_again_) return; // one of those that were under way together, or it met a lower limit
    if (now - beyond_again_ > std::max<instant::duration>(pause_, limits::alive_for))
      pause_ = {}; // it went well for long
    pause_ = std::clamp(2 * pause_, least, std::max<instant::duration>(least, limits::connect_pause_max));
    beyond_again_ = now + pause_;
  }

  /// After an outage: a few at a time again, without a pause.
  void restart() noexcept {
    at_once_ = policy_.first;
    pause_ = {};
    again_ = beyond_again_ = {};
  }

 private:
  /// As many as there were when one was refused, and have been since; when none has been refused since the pause, one
  /// more, and another one with each first pause that goes by.
  int limit_at(instant now) const noexcept {
    if (now < beyond_again_) return limit_;
    const auto gone_by = (now - beyond_again_) / std::max<instant::duration>(policy_.pause, millis{1});
    return limit_ + 1 + static_cast<int>(std::min<std::int64_t>(gone_by, 1'000'000));
  }

  connect_policy policy_;
  int at_once_;
  int limit_ = 0; ///< so many there were when one was refused, and as many as there have been since
  instant::duration pause_{};
  instant again_{}, beyond_again_{}; ///< when one may be begun: below the limit, and beyond it
};

} // namespace hoist::core
