// The scheduler and what limits it: the retry budget, the window, the rate. What each of these does on its own is told
// in the tests of their own.

#include "core/schedule/scheduler.hpp"

#include "scheduler_driver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using enum outcome_kind;

/// Retries that wait for nothing but their token, of which there are `tokens` and then one every `refill`.
retry_policy budget_of(int tokens, millis refill = 24h) {
  retry_policy p;
  p.transient = p.throttled = {0ms, 0ms};
  p.budget = {tokens, refill};
  return p;
}

constexpr millis day = 24h;

// ---- the retry budget -------------------------------------------------------------------------------------------

// A charged retry takes a token; without one it waits, is not failed, and goes on in turn as soon as a success brings
// one.
TEST(scheduler_budget, an_empty_budget_parks) {
  scheduler_driver d({8, 8, 8}, budget_of(1));
  for (file_id f = 0; f < 4; ++f) d.bring_to_put(f, day);
  d.put_failed(0, transient);
  EXPECT_EQ(d.drain(), "start_put(0)") << "the token there is";
  d.put_failed(1, lost);
  d.put_failed(2, transient);
  EXPECT_EQ(d.drain(), "");
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::retry_budget);
  d.stored(3);
  EXPECT_EQ(d.drain(), "settle(3, done) start_put(1)") << "first come, first served";
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done) start_put(2)");
}

// Time brings tokens as well, and the wake-up is set for the next.
TEST(scheduler_budget, time_brings_tokens) {
  scheduler_driver d({8, 8, 8}, budget_of(1, 100ms));
  for (file_id f = 0; f < 3; ++f) d.bring_to_put(f, day);
  for (file_id f = 0; f < 3; ++f) d.put_failed(f, transient);
  EXPECT_EQ(d.drain(), "start_put(0)");
  const instant emptied = d.now;
  EXPECT_EQ(d.wait_for_action(), "start_put(1)");
  EXPECT_EQ(d.now, emptied + 100ms);
  EXPECT_EQ(d.wait_for_action(), "start_put(2)");
  EXPECT_EQ(d.now, emptied + 200ms);
}

// Each host has its own: presigns that fail do not use up the storage's tokens, nor the other way.
TEST(scheduler_budget, of_each_host) {
  scheduler_driver d({8, 8, 8}, budget_of(1));
  d.bring_to_put(0, day);
  d.add(1);
  d.add(2);
  d.drain();
  d.presign_failed(1, transient);
  d.presign_failed(2, transient);
  EXPECT_EQ(d.drain(), "start_presign(1)");
  d.put_failed(0, transient);
  EXPECT_EQ(d.drain(), "start_put(0)");
  d.presigned(1, day);
  EXPECT_EQ(d.drain(), "start_put(1) start_presign(2)") << "and a presign is a success of the API";
}

struct free_case {
  outcome_kind why;
  const char* expected;
};

// First tries, a connection that went stale, a new ticket and the answer to "slow down" do not pay.
TEST(scheduler_budget, what_does_not_pay) {
  for (const auto& c : {free_case{stale, "start_put(0)"}, {refused, "start_presign(0)"}, {throttled, "start_put(0)"}}) {
    scheduler_driver d({8, 8, 8}, budget_of(1));
    d.bring_to_put(9, day);
    d.bring_to_put(0, day);
    d.put_failed(9, transient); // takes the only token
    EXPECT_EQ(d.drain(), "start_put(9)");
    d.put_failed(0, c.why);
    EXPECT_EQ(d.drain(), c.expected) << c.why;
  }
  scheduler_driver d({8, 8, 8}, budget_of(1));
  d.bring_to_put(9, day);
  d.put_failed(9, transient);
  EXPECT_EQ(d.drain(), "start_put(9)");
  d.add(1);
  EXPECT_EQ(d.drain(), "start_presign(1)");
  d.presigned(1, day);
  EXPECT_EQ(d.drain(), "start_put(1)");
  d.put_failed(1, stale);
  EXPECT_EQ(d.drain(), "start_put(1)");
  d.put_failed(1, stale);
  EXPECT_EQ(d.drain(), "") << "what goes stale twice is a retry like any other";
}

// The probe of a host that is away does not pay, even if it is a retry; when the host is back, the others do.
TEST(scheduler_budget, probes_do_not_pay) {
  scheduler_driver d({8, 8, 8}, budget_of(1));
  for (file_id f = 0; f < 4; ++f) d.bring_to_put(f, day);
  d.put_failed(0, transient);
  EXPECT_EQ(d.drain(), "start_put(0)");
  for (file_id f = 1; f < 4; ++f) d.put_failed(f, transient);
  d.put_failed(0, unreachable);
  EXPECT_EQ(d.wait_for_action(), "start_put(0)") << "the file that found out probes first";
  d.put_failed(0, lost); // its retry is charged as well, and last in the row
  EXPECT_EQ(d.wait_for_action(), "start_put(1)");
  d.put_failed(1, unreachable);
  EXPECT_EQ(d.wait_for_action(), "start_put(1)");
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done) start_put(2)") << "its success pays for one";
  EXPECT_EQ(d.drain(), "");
}

// Waiting for a token does not use up a file's patience while its host serves others; while it serves nobody, it does.
TEST(scheduler_budget, waiting_counts_only_against_a_dead_host) {
  for (const bool serves : {true, false}) {
    scheduler_driver d({8, 8, 8}, budget_of(1, 20min));
    d.bring_to_put(0, day);
    d.bring_to_put(9, day);
    d.put_failed(0, transient);
    EXPECT_EQ(d.drain(), "start_put(0)");
    d.put_failed(0, transient);
    EXPECT_EQ(d.drain(), "");
    d.now += 19min;
    if (serves) {
      d.stored(9);
      EXPECT_EQ(d.drain(), "settle(9, done) start_put(0)");
    } else {
      d.put_failed(9, rejected);
      EXPECT_EQ(d.drain(), "settle(9, failed, storage_rejected) settle(0, failed, gave_up)");
    }
  }
}

// What waits for a token can be cancelled, and is given up when the run ends.
TEST(scheduler_budget, the_unfunded_are_not_forgotten) {
  for (const bool cancels : {true, false}) {
    scheduler_driver d({8, 8, 8}, budget_of(1));
    for (file_id f = 0; f < 3; ++f) d.bring_to_put(f, day);
    for (file_id f = 0; f < 3; ++f) d.put_failed(f, transient);
    EXPECT_EQ(d.drain(), "start_put(0)");
    if (cancels) {
      d.cancel(2, stop_kind::drain);
      EXPECT_EQ(d.drain(), "settle(2, abandoned, cancelled)");
      d.stored(0);
      EXPECT_EQ(d.drain(), "settle(0, done) start_put(1)");
    } else {
      d.put_failed(0, private_storage);
      EXPECT_EQ(d.drain(), "end_run(private_storage) settle(1, abandoned, private_storage) "
                           "settle(2, abandoned, private_storage) settle(0, abandoned, private_storage)");
    }
  }
}

// ---- patience ---------------------------------------------------------------------------------------------------

// A host that throttles a file for ever ends it by give_up_after, whether it says for how long to wait or not.
TEST(scheduler_patience, throttled_for_ever_ends) {
  for (const auto retry_after : {std::optional<millis>{}, std::optional<millis>{30s}, std::optional<millis>{1h}}) {
    scheduler_driver d;
    d.bring_to_put(0, day);
    const instant begun = d.now;
    std::string next = "start_put(0)";
    for (int tries = 0; tries < 10'000 && next == "start_put(0)"; ++tries) {
      d.put_failed(0, throttled, retry_after);
      next = d.wait_for_action();
    }
    EXPECT_EQ(next, "settle(0, failed, gave_up)");
    EXPECT_GE(d.now - begun, 14min);
    EXPECT_LE(d.now - begun, std::max<millis>(15min, retry_after.value_or(0ms)) + 1min);
  }
}

// A wait that the host asked for is not held against the file while the host serves others.
TEST(scheduler_patience, asked_waits_are_excused_by_a_serving_host) {
  for (const bool serves : {true, false}) {
    scheduler_driver d({8, 8, 8});
    d.bring_to_put(0, day);
    for (int i = 0; i < 3; ++i) {
      d.put_failed(0, throttled, 10min);
      if (serves) {
        d.add(1);
        d.drain();
        d.presigned(1, day);
        EXPECT_EQ(d.wait_for_action(), "start_put(1)"); // which the rate may delay by a second
        d.stored(1);
        d.drain();
      }
      EXPECT_EQ(d.wait_for_action(), "start_put(0)") << i << ": what was waited for as asked is tried once more";
      if (serves || i == 0) continue;
      d.put_failed(0, throttled, 10min);
      EXPECT_EQ(d.drain(), "settle(0, failed, gave_up)") << i;
      break;
    }
  }
}

// ---- the rate ---------------------------------------------------------------------------------------------------

// A host that throttles is sent less, however many files wait; the wake-up is set for the next to start.
TEST(scheduler_rate, throttling_slows_the_host) {
  retry_policy at_once;
  at_once.throttled = {0ms, 0ms};
  scheduler_driver d({64, 64, 64}, at_once);
  d.add_many(300);
  std::vector<file_id> putting;
  int begun = 0;
  const auto drain = [&] {
    for (auto a = d.tested.next_action(d.now); a; a = d.tested.next_action(d.now)) {
      if (const auto* presign = std::get_if<action::start_presign>(&*a)) d.presigned(presign->file, day);
      if (const auto* put = std::get_if<action::start_put>(&*a)) {
        putting.push_back(put->file);
        ++begun;
      }
    }
  };
  const auto answer_all = [&](int throttled_of_ten) {
    int i = 0;
    for (const file_id f : std::exchange(putting, {}))
      i++ % 10 < throttled_of_ten ? d.put_failed(f, throttled) : d.stored(f);
  };
  for (int i = 0; i < 3; ++i) { // 64 every 250 ms, of which 7 in ten are throttled
    drain();
    d.now += 250ms;
    answer_all(7);
  }
  const auto figures = d.tested.storage_figures();
  EXPECT_GT(figures.throttled, 80u);
  ASSERT_GT(figures.per_second, 0);
  EXPECT_LT(figures.per_second, 128 * 0.4);
  ASSERT_GT(static_cast<double>(d.tested.tickets_ready()), 2 * figures.per_second);
  const auto presigns = d.tested.tallies().presigns;
  begun = 0;
  for (const instant end = d.now + 1s; d.now < end;) {
    drain();
    answer_all(0);
    const auto next = d.tested.next_wakeup();
    ASSERT_TRUE(next);
    ASSERT_GT(*next, d.now);
    EXPECT_EQ(d.tested.bottleneck(), bottleneck::put_rate);
    d.now = *next;
  }
  EXPECT_NEAR(begun, figures.per_second, figures.per_second / 4 + 2);
  EXPECT_EQ(d.tested.tallies().presigns, presigns) << "nor are tickets made while there are enough for a second";
}

// ---- the window -------------------------------------------------------------------------------------------------

scheduler_limits adapting(int max) {
  scheduler_limits l;
  l.puts_max = l.presigns_max = l.tickets_ahead_max = max;
  l.puts = l.presigns = sizing::adaptive;
  return l;
}

// Adaptive windows begin small, with a few tickets ahead; fixed ones are what they are.
TEST(scheduler_window, begins_small) {
  scheduler_driver d(adapting(512));
  d.add_many(1000);
  d.drain();
  EXPECT_EQ(d.tested.presigns_in_flight(), 8);
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::presign_window);
  for (file_id f = 0; f < 8; ++f) d.presigned(f, day);
  d.drain();
  EXPECT_EQ(d.tested.puts_in_flight(), 8);
  EXPECT_EQ(d.tested.presigns_in_flight(), 8 / 4 + 2);
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::put_window);
  EXPECT_EQ(d.tested.puts_window(), 8);

  scheduler_driver fixed({32, 16, 8});
  EXPECT_EQ(fixed.tested.puts_window(), 32);
  EXPECT_EQ(fixed.tested.presigns_window(), 16);
}

// It grows also where only retries are left, which have their tickets already.
TEST(scheduler_window, grows_for_retries) {
  retry_policy pauses;
  pauses.transient = {1min, 1min};
  scheduler_driver d(adapting(64), pauses);
  d.add_many(200);
  std::vector<file_id> putting;
  const auto drain = [&] {
    for (auto a = d.tested.next_action(d.now); a; a = d.tested.next_action(d.now)) {
      if (const auto* presign = std::get_if<action::start_presign>(&*a)) d.presigned(presign->file, day);
      if (const auto* put = std::get_if<action::start_put>(&*a)) putting.push_back(put->file);
    }
  };
  for (drain(); !putting.empty(); drain())
    for (const file_id f : std::exchange(putting, {})) d.put_failed(f, lost);
  ASSERT_EQ(d.tested.puts_window(), 8);
  d.now += 1min;
  int largest = 0;
  for (drain(); !putting.empty(); drain()) {
    d.now += 50ms;
    for (const file_id f : std::exchange(putting, {})) d.stored(f);
    largest = std::max(largest, d.tested.puts_window());
  }
  EXPECT_TRUE(d.tested.done());
  EXPECT_GE(largest, 32);
}

// No more tickets are made ahead than can be used within a quarter of their life at the pace of the PUTs.
TEST(scheduler_window, no_tickets_that_would_lapse) {
  for (const bool slow : {false, true}) {
    scheduler_driver d({4, 8, 8});
    d.add_many(30);
    d.drain();
    for (file_id f = 0; f < 8; ++f) d.presigned(f, 10s);
    d.drain();
    d.now += slow ? 8s : 1s; // what a PUT takes
    for (file_id f = 0; f < 4; ++f) d.stored(f);
    d.drain();
    for (file_id f = 8; f < 30; ++f)
      if (d.tested.presigns_of(f) == 1 && d.tested.puts_of(f) == 0) d.presigned(f, 10s);
    d.drain();
    EXPECT_EQ(d.tested.puts_in_flight(), 4);
    const auto ahead = static_cast<int>(d.tested.tickets_ready()) + d.tested.presigns_in_flight();
    if (slow)
      EXPECT_LE(ahead, 4) << "at one PUT every 2 s, four tickets are as many as may wait";
    else
      EXPECT_GE(ahead, 8);
  }
}

// After an outage a few begin, and only when they have been answered more: also where the number was given.
TEST(scheduler_window, an_outage_is_not_followed_by_a_crowd) {
  scheduler_driver d({64, 64, 64});
  d.bring_to_put(99, day);
  d.stored(99);
  d.drain();
  for (file_id f = 0; f < 64; ++f) d.bring_to_put(f, day);
  for (file_id f = 0; f < 64; ++f) d.put_failed(f, unreachable);
  const auto probe = d.wait_for_action();
  d.now += 20ms;
  d.stored(static_cast<file_id>(std::stoul(probe.substr(10))));
  d.drain();
  EXPECT_EQ(d.tested.puts_in_flight(), 8);
}

// An absence too short to gather a crowd changes nothing.
TEST(scheduler_window, a_blip_is_no_outage) {
  scheduler_driver d({64, 64, 64});
  for (file_id f = 0; f < 64; ++f) d.bring_to_put(f, day);
  d.put_failed(0, unreachable);
  d.now += 900ms;
  d.stored(1);
  EXPECT_EQ(d.tested.puts_window(), 64);
}

// Running out of descriptors ends the climb where it is.
TEST(scheduler_window, exhaustion_limits_it) {
  scheduler_driver d(adapting(512));
  d.add_many(100);
  d.drain();
  for (file_id f = 0; f < 8; ++f) d.presigned(f, day);
  d.drain();
  ASSERT_EQ(d.tested.puts_in_flight(), 8);
  d.put_failed(0, exhausted);
  d.put_failed(1, exhausted);
  EXPECT_EQ(d.tested.puts_window(), 6);
}

// ---- what holds us ----------------------------------------------------------------------------------------------

// It names what stands in the way of a waiting file, and nothing when none waits.
TEST(scheduler_bottleneck, names_it) {
  scheduler_driver d({1, 1, 1});
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::nothing);
  d.add_many(3);
  d.drain();
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::presign_window);
  d.presigned(0, day);
  d.drain();
  d.presigned(1, day);
  d.drain();
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::put_window);
  d.put_failed(0, unreachable);
  d.drain();
  EXPECT_EQ(d.tested.bottleneck(), bottleneck::storage_away);

  scheduler_driver api({1, 1, 1});
  api.add_many(2);
  api.drain();
  api.presign_failed(0, unreachable);
  api.drain();
  EXPECT_EQ(api.tested.bottleneck(), bottleneck::api_away);

  scheduler_driver paused({1, 1, 1});
  paused.bring_to_put(0, day);
  paused.put_failed(0, throttled, 10s);
  paused.drain();
  EXPECT_EQ(paused.tested.bottleneck(), bottleneck::pauses);
}

// ---- shares -----------------------------------------------------------------------------------------------------

// Of several shards each has its share of the tokens, of the least rate and of the probes, so that all keep to the
// whole.
TEST(scheduler_policy, shares) {
  retry_policy whole;
  EXPECT_EQ(share_of(whole, 1).probe_interval, 1s);
  const auto quarter = share_of(whole, 4);
  EXPECT_EQ(quarter.budget, (budget_policy{125, 400ms}));
  EXPECT_DOUBLE_EQ(quarter.rate.per_second_min, 0.25);
  EXPECT_EQ(quarter.probe_interval, 4s);
  EXPECT_EQ(share_of(whole, 64).probe_interval, 20s) << "or a host that is back would be noticed too late";
  EXPECT_EQ(quarter.give_up_after, whole.give_up_after);
}

} // namespace
} // namespace hoist::core
