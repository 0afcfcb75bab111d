#pragma once

// A scheduler under a test's hand: events in, its actions out as one line of text, time moved by the test.

#include "core/schedule/scheduler.hpp"

#include <sstream>
#include <string>

namespace hoist::core {

class scheduler_driver {
 public:
  explicit scheduler_driver(scheduler_limits limits = {}, retry_policy policy = {}, std::uint64_t seed = 1,
                            shared_facts* shared = nullptr)
      : tested(limits, policy, seed, shared) {}

  void add(file_id f) { tested.on(event::file_added{f}, now); }
  /// Files 0 to count - 1.
  void add_many(file_id count) {
    for (file_id f = 0; f < count; ++f) add(f);
  }
  void presigned(file_id f, millis life = std::chrono::minutes{15}) {
    tested.on(event::presign_answered{f, ticket(life)}, now);
  }
  void presign_failed(file_id f, outcome_kind why, std::optional<millis> retry_after = {}) {
    tested.on(event::presign_failed{f, {why, retry_after}}, now);
  }
  void stored(file_id f) { tested.on(event::put_answered{f}, now); }
  void put_failed(file_id f, outcome_kind why, std::optional<millis> retry_after = {}) {
    tested.on(event::put_failed{f, {why, retry_after}}, now);
  }
  void cancel(file_id f, stop_kind how) { tested.on(event::file_cancelled{f, how}, now); }

  /// A ticket asked for now that lives for `life`.
  lifetime ticket(millis life) const {
    const auto margin = std::min<millis>(std::chrono::seconds{30}, life / 10);
    return {now + life, now + life - margin, now, {}};
  }

  /// All that it wants done now, separated by spaces.
  std::string drain() {
    std::ostringstream out;
    for (auto a = tested.next_action(now); a; a = tested.next_action(now)) {
      if (out.tellp() > 0) out << ' ';
      operator<<(out, *a);
    }
    return out.str();
  }

  /// Moves to the next wake-up until something is to be done, for at most `longest`.
  std::string wait_for_action(millis longest = std::chrono::hours{48}) {
    const instant end = now + longest;
    for (;;) {
      if (auto actions = drain(); !actions.empty()) return actions;
      const auto next = tested.next_wakeup();
      if (!next || *next > end) return "";
      now = std::max(now + std::chrono::nanoseconds{1}, *next);
    }
  }

  /// `f` added, presigned and being put.
  void bring_to_put(file_id f, millis life = std::chrono::minutes{15}) {
    add(f);
    drain();
    presigned(f, life);
    drain();
  }

  scheduler tested;
  instant now = instant{} + std::chrono::hours{1};
};

} // namespace hoist::core
