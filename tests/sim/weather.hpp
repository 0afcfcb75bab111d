#pragma once

// What one seed makes of the world.

#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <vector>

namespace hoist::core::sim {

using namespace std::chrono_literals;

constexpr instant dawn{std::chrono::hours{1}};

struct period {
  instant from, to;
};

inline bool within(const std::vector<period>& periods, instant t) {
  return std::any_of(periods.begin(), periods.end(), [&](const period& p) { return p.from <= t && t < p.to; });
}

/// Chances in percent, of a presign's or PUT's end.
struct mishaps {
  int transient = 0, throttled = 0, lost = 0, stale = 0, unserved = 0, exhausted = 0, rejected = 0;
};

struct weather {
  explicit weather(random& rng) {
    const auto up_to = [&](std::int64_t most) { return static_cast<int>(rng.up_to(most)); };
    const auto one_in = [&](int n) { return rng.up_to(n - 1) == 0; };
    const bool fair = one_in(4);
    files = 5 + up_to(one_in(10) ? 400 : 55);
    window = 1 + up_to(30);
    limits = {1 + up_to(7), 1 + up_to(7), up_to(6)};
    if (one_in(3)) {
      limits = {64, 64, 64, sizing::adaptive, sizing::adaptive, 1 + up_to(3), 1 + up_to(3)};
      window = 200;
    }
    policy.budget = {1 + up_to(one_in(2) ? 5 : 500), millis{20 + up_to(500)}};
    if (one_in(2)) presign_group = 2 + up_to(20);
    latency_max = millis{1 + up_to(one_in(2) ? 100 : 2000)};
    static constexpr millis lives[] = {1s, 2s, 5s, 30s, 5min, 15min, 15min, 15min};
    life = lives[up_to(7)];
    dates = static_cast<dated>(up_to(2));
    server_ahead = millis{one_in(2) ? up_to(7'200'000) - 3'600'000 : 0};
    for (int n = one_in(3) ? 1 + up_to(2) : 0; n > 0; --n)
      kills.push_back(dawn + millis{up_to(one_in(2) ? 3'000 : 60'000)});
    std::sort(kills.begin(), kills.end());
    if (fair) return;
    by_chance = {up_to(40), up_to(20), up_to(20), up_to(10), up_to(10), up_to(10), one_in(4) ? up_to(10) : 0};
    if (one_in(3)) by_chance = {};
    refused = one_in(4) ? up_to(60) : 0;
    answer_lost = one_in(2) ? up_to(30) : 0;
    if (one_in(3)) throttle_above = 1 + up_to(200);
    if (kills.empty()) cancelled = one_in(4) ? up_to(30) : 0;
    key_refused = one_in(10);
    for (auto* outages : {&api_away, &storage_away})
      for (int n = up_to(3); n > 0; --n) {
        const instant from = dawn + millis{up_to(60'000)};
        outages->push_back({from, from + millis{up_to(120'000)}});
      }
    if (one_in(2)) away_as = outcome_kind::handshake_lost;
  }

  /// Nothing in it stands between any file and its end but patience.
  bool harmless() const {
    return refused == 0 && by_chance.rejected == 0 && cancelled == 0 && !key_refused && life >= 5min &&
           std::none_of(api_away.begin(), api_away.end(), [](const period& p) { return p.from < dawn + 5s; });
  }

  /// How the API tells until when a URL lives.
  enum class dated { expires_at, signed_until, both };

  int files, window; ///< window: files inside the scheduler at once
  scheduler_limits limits;
  retry_policy policy;
  millis latency_max, life;
  dated dates = dated::expires_at;
  millis server_ahead{}; ///< of our calendar clock
  int presign_group = 1;
  mishaps by_chance;
  int refused = 0, answer_lost = 0, cancelled = 0; ///< percent, of PUTs, of stored PUTs, of files
  bool key_refused = false;
  int throttle_above = 0; ///< requests a second that the storage accepts; 0: any
  std::vector<period> api_away, storage_away;
  outcome_kind away_as = outcome_kind::unreachable; ///< or something takes the connections all the same
  std::vector<instant> kills;
};

} // namespace hoist::core::sim
