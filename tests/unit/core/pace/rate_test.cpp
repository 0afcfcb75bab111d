#include "core/pace/rate.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

const instant t0 = instant{} + 1000s;

/// `count` requests from now until `time` later, evenly, answered at once, so many of a hundred throttled. The time
/// after.
instant exchange(rate& r, instant from, int count, std::chrono::nanoseconds time, int throttled_percent) {
  for (int i = 0; i < count; ++i) {
    const instant now = from + time * i / (count - 1);
    r.answered(now, now, i * throttled_percent / 100 != (i + 1) * throttled_percent / 100);
  }
  return from + time;
}

/// A host that accepts `limit` requests a second, with a tenth of a second's worth at once, and otherwise throttles.
struct strict_host {
  double limit;
  double tokens = 0;
  instant at = t0;
  bool accepts(instant now) {
    tokens = std::min(tokens + std::chrono::duration<double>(now - at).count() * limit, std::max(1.0, limit / 10));
    at = now;
    if (tokens < 1) return false;
    --tokens;
    return true;
  }
};

/// Sends as much as the rate allows, `own_max` at most, for `time`; every answer takes 20 ms. How many were sent.
int send(rate& r, instant& now, std::chrono::nanoseconds time, const std::function<bool(instant)>& accepts,
         int own_max = 5000) {
  struct pending {
    instant begun;
    bool accepted;
  };
  std::deque<pending> in_flight;
  int sent = 0;
  for (const instant end = now + time; now < end; now += 1ms) {
    for (; !in_flight.empty() && in_flight.front().begun + 20ms <= now; in_flight.pop_front())
      r.answered(in_flight.front().begun, now, !in_flight.front().accepted);
    for (int i = 0; i < own_max / 1000 && r.may_start(now); ++i, ++sent) {
      r.started(now);
      in_flight.push_back({now, accepts(now)});
    }
  }
  return sent;
}

// A host that never throttles is sent whatever there is.
TEST(rate, unlimited_until_throttled) {
  rate r;
  exchange(r, t0, 100'000, 10s, 0);
  EXPECT_FALSE(r.limited());
  EXPECT_TRUE(r.may_start(t0));
}

// One refusal in a hundred is the weather at a large storage.
TEST(rate, rare_refusals_are_tolerated) {
  rate r;
  exchange(r, t0, 100'000, 60s, 1);
  EXPECT_FALSE(r.limited());
}

struct cut_case {
  const char* name;
  int requests;
  std::chrono::milliseconds time;
  int throttled_percent;
  double expected; ///< a second
};

// A cut goes to 0.85 of what the host was seen to accept.
TEST(rate, cut_to_what_was_accepted) {
  const cut_case cases[] = {{"half of 200/s", 100, 500ms, 50, 85},
                            {"a fifth of 1000/s", 500, 500ms, 20, 680},
                            {"few answers are waited for", 10, 10s, 40, 0.51 + 0.49}};
  for (const auto& c : cases) {
    rate r;
    exchange(r, t0, c.requests, c.time, c.throttled_percent);
    ASSERT_TRUE(r.limited()) << c.name;
    EXPECT_NEAR(r.per_second(), c.expected, c.expected / 20) << c.name;
  }
}

// A run of refusals stops at once what was unlimited, and the rate is searched for from what got through in the last
// second.
TEST(rate, a_run_of_refusals_stops_it_at_once) {
  for (const int before : {200, 1000}) {
    rate r;
    instant now = exchange(r, t0, before, 100ms, 0);
    int refused = 0;
    for (; refused < 100 && !r.limited(); ++refused, now += 100us) r.answered(now, now, true);
    EXPECT_EQ(refused, 16);
    EXPECT_NEAR(r.per_second(), before, 1);
    EXPECT_FALSE(r.may_start(now));
  }
}

// What is refused is refused at once, while what is accepted is under way for long: two or three such answers are no
// sample. (regression: they cut a host of slow answers to one a second)
TEST(rate, regression_a_few_refusals_among_slow_answers) {
  for (const int refusals : {1, 2, 3}) {
    rate r;
    for (int i = 0; i < refusals; ++i) r.answered(t0, t0 + 10ms, true, 64);
    r.answered(t0, t0 + 3s, false, 60);
    EXPECT_TRUE(!r.limited() || r.per_second() >= 15) << refusals;
  }
}

// What was sent before a cut says nothing about it, however many of them are throttled afterwards.
TEST(rate, one_cut_for_what_was_sent_before_it) {
  rate r;
  const instant cut = exchange(r, t0, 100, 500ms, 50);
  const double after = r.per_second();
  for (int i = 0; i < 1000; ++i) r.answered(cut - 1ms, cut + 2ms * i, true);
  EXPECT_EQ(r.per_second(), after);
}

// A host that refuses everything is asked again, but seldom: at the least rate there is.
TEST(rate, never_below_the_least) {
  rate r({2.5});
  exchange(r, t0, 3000, 10min, 100);
  EXPECT_DOUBLE_EQ(r.per_second(), 2.5);
}

// Requests are spaced: in a second as many as the rate says, and few at once.
TEST(rate, spaced) {
  for (const double limit : {40.0, 85.0, 850.0}) {
    rate r;
    const int requests = static_cast<int>(limit / 0.85);
    instant now = exchange(r, t0, requests, 500ms, 50);
    const double per_second = r.per_second();
    int sent = 0, most_at_once = 0, wakeups = 0;
    for (const instant end = now + 1s; now < end; ++wakeups) {
      int at_once = 0;
      for (; at_once < 1000 && r.may_start(now); ++at_once) r.started(now);
      most_at_once = std::max(most_at_once, at_once);
      sent += at_once;
      ASSERT_GT(r.resumes(), now);
      now = r.resumes();
    }
    EXPECT_NEAR(sent, per_second * 1.05, per_second * 0.1 + 2) << limit << ": it grows a little meanwhile";
    EXPECT_LE(most_at_once, per_second * 0.04 + 1) << limit;
    EXPECT_LE(wakeups, 105) << limit << ": a timer serves several";
  }
}

// After a pause nobody makes up for lost time.
TEST(rate, no_burst_after_idleness) {
  rate r;
  instant now = exchange(r, t0, 500, 500ms, 50) + 1min;
  int at_once = 0;
  for (; at_once < 1000 && r.may_start(now); ++at_once) r.started(now);
  EXPECT_LE(at_once, 0.025 * 425 + 2);
}

// It grows back to what was accepted in about 5 s, lingers there, and doubles ten seconds later, given that it holds
// us.
TEST(rate, grows_back_along_a_cubic) {
  rate r;
  instant now = exchange(r, t0, 500, 500ms, 80); // accepted 200/s
  const instant cut = now;
  const auto at = [&](std::chrono::nanoseconds later) {
    send(r, now, cut + later - now, [](instant) { return true; });
    return r.per_second();
  };
  EXPECT_NEAR(at(1s), 185.4, 2);
  EXPECT_NEAR(at(5300ms), 200, 2);
  EXPECT_NEAR(at(8s), 204, 2);
  EXPECT_NEAR(at(15300ms), 400, 20);
}

// When nothing was throttled for long it grows quickly: a host that refused everything for ten minutes is back at a
// thousand a second within one.
TEST(rate, grows_from_the_bottom) {
  rate r;
  instant now = exchange(r, t0, 3000, 10min, 100);
  ASSERT_EQ(r.per_second(), 1);
  send(r, now, 1min, [](instant) { return true; });
  EXPECT_GE(r.per_second(), 1000);
}

// A rate that nobody asks for does not grow: it would prove nothing.
TEST(rate, does_not_grow_unasked) {
  rate r;
  instant now = exchange(r, t0, 1000, 500ms, 50);
  const double after_cut = r.per_second();
  send(
      r, now, 60s, [](instant) { return true; }, 0);
  EXPECT_EQ(r.per_second(), after_cut);
}

// A host that accepts X a second gets at least 0.8 X within 30 s, never more than 1.5 X from then on, and when X rises
// tenfold at least 0.8 of it within 60 s.
TEST(rate, finds_what_the_host_accepts) {
  for (const double x : {20.0, 200.0}) {
    rate r;
    strict_host host{x};
    instant now = t0;
    const auto accepts = [&](instant t) { return host.accepts(t); };
    send(r, now, 30s, accepts);
    for (int i = 0; i < 6; ++i) {
      const int sent = send(r, now, 10s, accepts);
      EXPECT_GE(sent, 8 * x);
      EXPECT_LE(sent, 15 * x);
    }
    host.limit *= 10;
    send(r, now, 50s, accepts);
    const int sent = send(r, now, 10s, accepts);
    EXPECT_GE(sent, 80 * x);
    EXPECT_LE(sent, 150 * x);
  }
}

// A share of refusals that stays when less is sent is the weather, and is sailed through: whatever the host accepts by
// chance, it is sent at least half as much after a minute as at first; where it accepts hardly one in three, a fifth.
TEST(rate, refusals_by_chance_do_not_throttle) {
  for (const int percent : {3, 10, 30, 50, 70}) {
    rate r;
    instant now = t0;
    std::uint64_t state = 1;
    const auto accepts = [&](instant) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      return static_cast<int>((state >> 33) % 100) >= percent;
    };
    send(r, now, 50s, accepts, 2000);
    EXPECT_GE(send(r, now, 10s, accepts, 2000), percent <= 50 ? 10'000 : 4'000) << percent;
  }
}

// A limit in any weather is neither lost nor overrun: in the second minute the host is sent between a third of what it
// takes and thrice that, whatever part it refuses by chance beside.
TEST(rate, a_limit_behind_the_weather_is_found) {
  for (const int percent : {0, 10, 30, 50}) {
    for (const double limit : {50., 200., 1000.}) {
      rate r;
      instant now = t0;
      strict_host host{limit};
      std::uint64_t state = 1;
      const auto accepts = [&](instant t) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        return host.accepts(t) && static_cast<int>((state >> 33) % 100) >= percent;
      };
      send(r, now, 60s, accepts);
      const int sent = send(r, now, 60s, accepts);
      EXPECT_GE(sent, 60 * limit / 3) << percent << " %, " << limit << " a second";
      EXPECT_LE(sent, 60 * limit * 3) << percent << " %, " << limit << " a second";
    }
  }
}

} // namespace
} // namespace hoist::core
