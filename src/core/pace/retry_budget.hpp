#pragma once

// How much of the work may be retries. Each success earns a token, time brings some more, a charged retry costs one: in
// the steady state retries never outnumber successes, and a host in trouble meets at most twice the load that it would
// meet without them. What an empty budget holds up waits; it does not fail.

#include "core/base/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace hoist::core {

struct budget_policy {
  int tokens_max = 500; ///< what may be saved up, and what there is at first
  millis refill{100};   ///< brings one token. Several shards share a budget by having less each, and later

  friend bool operator==(const budget_policy&, const budget_policy&) = default;
};

/// The share of one of `shards` alike schedulers.
constexpr budget_policy share_of(budget_policy whole, int shards) noexcept {
  return {std::max(1, whole.tokens_max / shards), whole.refill * shards};
}

class retry_budget {
 public:
  /// Preconditions: tokens_max >= 1, refill > 0.
  explicit retry_budget(budget_policy policy) noexcept
      : price_(policy.refill), full_(price_ * policy.tokens_max), saved_(full_) {}

  /// Takes a token; false when there is none.
  bool take(instant now) noexcept {
    refill(now);
    if (saved_ < price_) return false;
    saved_ -= price_;
    return true;
  }

  /// A success.
  void earn() noexcept { saved_ = std::min(saved_ + price_, full_); }

  /// When time alone will have brought the next token. Precondition: take() has just failed.
  instant next_token() const noexcept { return refilled_ + (price_ - saved_); }

 private:
  void refill(instant now) noexcept {
    if (now > refilled_) saved_ = std::min(full_, saved_ + std::min(now - refilled_, full_));
    refilled_ = std::max(refilled_, now);
  }

  // Tokens are kept as the time that brings them, so that nothing is ever rounded.
  instant::duration price_;
  instant::duration full_;
  instant::duration saved_;
  instant refilled_{};
};

} // namespace hoist::core
