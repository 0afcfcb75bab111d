#pragma once

// How many requests a second one host is sent. No limit until the host throttles; from then on a little less than what
// it was seen to accept, growing back slowly towards that, and quickly beyond it once nothing objects.
//
// A host that suddenly throttles everything is not judged at leisure: a run of refusals stops what was unlimited at
// once, and the rate is searched for, from what got through in the last second, doubling twice a second until it is too
// much.
//
// Throttling is judged by its share of the answers, not by single ones: a share within what is tolerated says nothing,
// and one that does not fall when we send less is not about what we send, so sending less would be no help.
//
// Requests are spaced, in small bursts so that a timer serves several.

#include "core/base/time.hpp"

#include <cstdint>
#include <optional>

namespace hoist::core {

struct rate_policy {
  double per_second_min = 1; ///< never less, even for a host that refuses everything

  friend bool operator==(const rate_policy&, const rate_policy&) = default;
};

/// The share of one of `shards` alike schedulers.
constexpr rate_policy share_of(rate_policy whole, int shards) noexcept {
  return {whole.per_second_min / shards};
}

class rate {
 public:
  explicit rate(rate_policy policy = {}) noexcept;

  bool limited() const noexcept { return limited_; }
  /// Precondition: limited().
  double per_second() const noexcept { return rate_; }

  bool may_start(instant now) noexcept;
  void started(instant now) noexcept;
  /// When a burst may start. Precondition: may_start() has just said no.
  instant resumes() const noexcept;

  /// The host answered a request that was begun at `begun`; `throttled`, or anything else. So many are under way still.
  void answered(instant begun, instant now, bool throttled, int in_flight = 0) noexcept;
  /// What has been counted for the next judgement counts no more.
  void forget_interval() noexcept;

 private:
  void grow(instant now) noexcept;
  void judge(instant now) noexcept;
  bool too_many_throttled() const noexcept;
  bool cuts_did_not_help() const noexcept;
  void cut(double accepted, instant now) noexcept;
  void search(instant now) noexcept;
  void search_from(double per_second, instant now) noexcept;
  void count_delivered(instant now) noexcept;
  double delivered_in_last_second(instant now) const noexcept;
  void set(double per_second) noexcept;
  void begin_interval(instant now) noexcept;

  rate_policy policy_;
  bool limited_ = false;
  double rate_ = 0;
  instant::duration gap_{}; ///< 1 / rate_
  instant next_{};          ///< when the next request is due

  double taken_well_ = 0;   ///< requests a second of the latest interval in which few were refused
  double plateau_ = 0;      ///< what the host was seen to accept
  instant::duration age_{}; ///< time spent at the limit since the last cut
  instant grown_{};
  bool was_held_ = false; ///< since then

  instant interval_began_{};
  instant judged_from_{};                                    ///< only requests begun since the last cut tell of it
  std::uint32_t delivered_ = 0, judged_ = 0, throttled_ = 0; ///< in this interval
  int under_way_ = 0;                                        ///< of late

  bool searching_ = false; ///< `plateau_` is where the search began
  int refused_in_a_row_ = 0;
  instant half_began_{};         ///< of the half second that is counted now
  std::uint32_t halves_[3] = {}; ///< delivered in it, and in the two before

  // A series of cuts that may turn out not to help.
  int cuts_ = 0;
  double first_share_ = 0;                        ///< of throttled answers, that led to the first of them
  double before_cuts_ = 0;                        ///< the rate until then
  double since_judged_ = 0, since_throttled_ = 0; ///< answers since then
  int on_trial_ = 0;                 ///< intervals: they were given up as useless, and the rate is being raised again
  double tolerated_, tolerated_max_; ///< share of throttled answers
};

} // namespace hoist::core
