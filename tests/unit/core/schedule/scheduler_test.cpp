#include "core/schedule/scheduler.hpp"

#include "scheduler_driver.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;
using enum outcome_kind;

constexpr retry_policy charged_once_fails{{100ms, 20'000ms}, {1000ms, 20'000ms}, 15min, 1};

std::string failed(file_id f, errc cause) {
  return "settle(" + std::to_string(f) + ", failed, " + std::string(name_of(cause)) + ")";
}

// ---- the plain life ---------------------------------------------------------------------------------------------

// A file is presigned, put, settled; nothing else is asked for, and no time need pass.
TEST(scheduler, the_plain_life_of_a_file) {
  scheduler_driver d;
  EXPECT_TRUE(d.tested.done());
  EXPECT_EQ(d.drain(), "");
  d.add(0);
  EXPECT_FALSE(d.tested.done());
  EXPECT_EQ(d.drain(), "start_presign(0)");
  EXPECT_EQ(d.tested.presigns_in_flight(), 1);
  d.presigned(0);
  EXPECT_EQ(d.tested.presigns_in_flight(), 0);
  EXPECT_EQ(d.drain(), "start_put(0)");
  EXPECT_EQ(d.tested.puts_in_flight(), 1);
  EXPECT_FALSE(d.tested.next_wakeup());
  d.stored(0);
  EXPECT_EQ(d.tested.puts_in_flight(), 0);
  EXPECT_FALSE(d.tested.done()) << "its settlement has not been taken";
  EXPECT_EQ(d.tested.presigns_of(0), 1);
  EXPECT_EQ(d.tested.puts_of(0), 1);
  EXPECT_EQ(d.drain(), "settle(0, done)");
  EXPECT_TRUE(d.tested.done());
  EXPECT_FALSE(d.tested.next_wakeup());
}

// An id is used again after settlement, and nothing of the earlier file sticks to it.
TEST(scheduler, ids_are_reused_without_memory) {
  scheduler_driver d({}, charged_once_fails);
  for (int round = 0; round < 3; ++round) {
    d.bring_to_put(4);
    for (int refusal = 0; refusal < 2; ++refusal) {
      d.put_failed(4, refused);
      EXPECT_EQ(d.drain(), "start_presign(4)") << round;
      d.presigned(4);
      EXPECT_EQ(d.drain(), "start_put(4)");
    }
    d.put_failed(4, stale);
    EXPECT_EQ(d.drain(), "start_put(4)") << "each file has its own free retry";
    EXPECT_EQ(d.tested.presigns_of(4), 3);
    EXPECT_EQ(d.tested.puts_of(4), 4);
    d.stored(4);
    EXPECT_EQ(d.drain(), "settle(4, done)");
    EXPECT_TRUE(d.tested.done());
  }
}

// ---- the window -------------------------------------------------------------------------------------------------

struct window_case {
  const char* name;
  scheduler_limits limits;
  int presigns_at_once; ///< of 100 files
  int puts_at_once;
  int more_presigns; ///< begun once those tickets are there and all slots are full
};

// Tickets are made just in time: those ready and being made never exceed free slots + tickets_ahead_max.
TEST(scheduler, tickets_just_in_time) {
  const window_case cases[] = {
      {"window bounds", {2, 8, 3}, 5, 2, 0},       {"presign limit bounds", {32, 8, 8}, 8, 8, 8},
      {"no look-ahead", {4, 8, 0}, 4, 4, 0},       {"one by one", {1, 1, 0}, 1, 1, 0},
      {"one slot, one ahead", {1, 8, 1}, 2, 1, 0},
  };
  for (const auto& c : cases) {
    scheduler_driver d(c.limits);
    d.add_many(100);
    d.drain();
    EXPECT_EQ(d.tested.presigns_in_flight(), c.presigns_at_once) << c.name;
    for (file_id f = 0; f < static_cast<file_id>(c.presigns_at_once); ++f) d.presigned(f);
    d.drain();
    EXPECT_EQ(d.tested.puts_in_flight(), c.puts_at_once) << c.name;
    EXPECT_EQ(d.tested.presigns_in_flight(), c.more_presigns) << c.name;
  }
}

// A PUT that ends gives its slot to a ready ticket, and the ticket's place to one presign.
TEST(scheduler, a_free_slot_moves_the_window) {
  scheduler_driver d({2, 8, 1});
  d.add_many(10);
  EXPECT_EQ(d.drain(), "start_presign(0) start_presign(1) start_presign(2)");
  for (file_id f : {0u, 1u, 2u}) d.presigned(f);
  EXPECT_EQ(d.drain(), "start_put(0) start_put(1)");
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done) start_put(2) start_presign(3)");
}

// Presigns that are cheaper by the group are begun by the group: one slot that comes free asks for no ticket while some
// are left, and for the whole group once as many are missing. A few files alone do not wait for others.
TEST(scheduler, presigns_go_in_groups) {
  scheduler_driver d({4, 64, 4});
  d.tested.group_presigns(3);
  d.add_many(40);
  d.drain();
  ASSERT_EQ(d.tested.presigns_in_flight(), 10) << "four slots, four ahead and a group's two more";
  for (file_id f = 0; f < 10; ++f) d.presigned(f);
  EXPECT_EQ(d.drain(), "start_put(0) start_put(1) start_put(2) start_put(3)");
  d.stored(0);
  EXPECT_EQ(d.drain(), "settle(0, done) start_put(4)");
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done) start_put(5)");
  d.stored(2);
  EXPECT_EQ(d.drain(), "settle(2, done) start_put(6) start_presign(10) start_presign(11) start_presign(12)");

  scheduler_driver few({4, 64, 4});
  few.tested.group_presigns(16);
  few.add(0);
  EXPECT_EQ(few.drain(), "start_presign(0)");
  few.add(1);
  EXPECT_EQ(few.drain(), "start_presign(1)");
}

// ---- lapsing tickets --------------------------------------------------------------------------------------------

// A ticket is used before `use_before`, and refreshed, never used, at it or later.
TEST(scheduler, no_put_at_or_after_use_before) {
  struct {
    const char* name;
    std::chrono::nanoseconds waits;
    const char* expected;
  } const cases[] = {{"just before", 9s - 1ns, "settle(0, done) start_put(1)"},
                     {"at it", 9s, "settle(0, done) start_presign(1)"},
                     {"long after", 1h, "settle(0, done) start_presign(1)"}};
  for (const auto& c : cases) {
    scheduler_driver d({1, 8, 1});
    d.add_many(2);
    d.drain();
    d.presigned(0);
    d.presigned(1, 10s);
    EXPECT_EQ(d.drain(), "start_put(0)");
    d.now += c.waits;
    d.stored(0);
    EXPECT_EQ(d.drain(), c.expected) << c.name;
  }
}

// Refreshing a lapsed ticket is not an attempt: a file that may fail no time survives it.
TEST(scheduler, a_lapsed_ticket_is_refreshed_uncharged) {
  scheduler_driver d({1, 8, 1}, charged_once_fails);
  d.add_many(2);
  d.drain();
  d.presigned(0);
  d.presigned(1, 10s);
  d.drain();
  d.now += 20s;
  d.stored(0);
  EXPECT_EQ(d.drain(), "settle(0, done) start_presign(1)");
  EXPECT_EQ(d.tested.tallies().refreshes, 1u);
  EXPECT_EQ(d.tested.tallies().retries, 0u);
  d.presigned(1);
  EXPECT_EQ(d.drain(), "start_put(1)");
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done)");
}

// A presign that yields tickets which are dead on arrival cannot loop for ever: the file fails as ticket_lapsed.
TEST(scheduler, tickets_dead_on_arrival_end) {
  scheduler_driver d;
  d.add(0);
  int presigns = 0;
  std::string last;
  for (; presigns < 1000; ++presigns) {
    last = d.wait_for_action();
    if (last != "start_presign(0)") break;
    d.presigned(0, 0s);
  }
  EXPECT_EQ(last, failed(0, errc::ticket_lapsed));
  EXPECT_LT(presigns, 100);
  EXPECT_TRUE(d.tested.done());
}

// ---- refusals ---------------------------------------------------------------------------------------------------

// Storage 403s on a ticket our clock holds fresh: re-presign at most twice, then the file fails.
TEST(scheduler, refused_on_fresh_tickets_is_presigned_twice_more) {
  scheduler_driver d({}, charged_once_fails);
  d.bring_to_put(0);
  for (int again = 0; again < 2; ++again) {
    d.put_failed(0, refused);
    EXPECT_EQ(d.drain(), "start_presign(0)");
    d.presigned(0);
    EXPECT_EQ(d.drain(), "start_put(0)");
  }
  d.put_failed(0, refused);
  EXPECT_EQ(d.drain(), failed(0, errc::storage_refused));
  EXPECT_EQ(d.tested.presigns_of(0), 3);
}

// A 403 on a ticket that has lapsed meanwhile is an expiry, not a refusal: refreshed, and not counted.
TEST(scheduler, refused_after_expiry_is_a_lapse) {
  scheduler_driver d({}, charged_once_fails);
  d.bring_to_put(0, 10s);
  for (int i = 0; i < 3; ++i) {
    d.now += 11s;
    d.put_failed(0, refused);
    EXPECT_EQ(d.drain(), "start_presign(0)") << i;
    d.presigned(0, 10s);
    EXPECT_EQ(d.drain(), "start_put(0)") << i;
  }
  d.stored(0);
  EXPECT_EQ(d.drain(), "settle(0, done)");
}

// A permanent 403 ends also where each answer comes after the ticket's expiry (a slow PUT, a short lifetime): no loop.
TEST(scheduler, regression_late_refusals_end) {
  scheduler_driver d;
  d.bring_to_put(0, 10s);
  int puts = 1;
  for (; puts < 1000; ++puts) {
    d.now += 11s;
    d.put_failed(0, refused);
    const auto next = d.wait_for_action();
    if (next != "start_presign(0)") break;
    d.presigned(0, 10s);
    d.wait_for_action();
  }
  EXPECT_LT(puts, 100);
}

/// Twenty-odd files refused one after another by the rules of a case.
struct breaker_case {
  const char* name;
  int refused_files;
  millis ticket_age;
  int success_after; ///< refused files; -1: none
  bool ends;
};

// 20 distinct files in a row refused on tickets younger than 60 s, with no success since, end the run.
TEST(scheduler, breaker) {
  const breaker_case cases[] = {
      {"nineteen", 19, 1s, -1, false},
      {"twenty", 20, 1s, -1, true},
      {"twenty on old tickets", 20, 60s, -1, false},
      {"just young enough", 20, 59s, -1, true},
      {"a success in between", 25, 1s, 10, false},
      {"twenty after a success", 31, 1s, 10, true},
  };
  for (const auto& c : cases) {
    scheduler_driver d({64, 64, 0});
    std::string actions;
    for (int i = 0; i < c.refused_files; ++i) d.bring_to_put(static_cast<file_id>(i));
    if (c.success_after >= 0) d.bring_to_put(60);
    d.now += c.ticket_age;
    for (int i = 0; i < c.refused_files; ++i) {
      if (i == c.success_after) d.stored(60);
      d.put_failed(static_cast<file_id>(i), refused);
      actions += d.drain() + ' ';
    }
    EXPECT_EQ(actions.find("end_run(storage_refused)") != std::string::npos, c.ends) << c.name;
  }
}

// The same file refused again does not count again: six files refused three times each do not end the run.
TEST(scheduler, breaker_counts_distinct_files) {
  scheduler_driver d;
  std::string actions;
  for (file_id f = 0; f < 7; ++f) d.bring_to_put(f);
  for (int again = 0; again < 3; ++again)
    for (file_id f = 0; f < 7; ++f) {
      d.put_failed(f, refused);
      d.drain();
      if (again < 2) d.presigned(f);
      actions += d.drain();
    }
  EXPECT_EQ(actions.find("end_run"), std::string::npos);
}

// A success makes all files distinct again: those refused before it count anew when they are refused after it.
TEST(scheduler, breaker_starts_anew_after_a_success) {
  scheduler_driver d({64, 64, 0});
  for (file_id f = 0; f < 21; ++f) d.bring_to_put(f);
  std::string actions;
  const auto refuse = [&](file_id f) {
    d.put_failed(f, refused);
    actions += d.drain();
    d.presigned(f);
    actions += d.drain();
  };
  for (file_id f = 0; f < 19; ++f) refuse(f);
  d.stored(20);
  d.drain();
  for (file_id f = 0; f < 19; ++f) refuse(f);
  EXPECT_EQ(actions.find("end_run"), std::string::npos);
  d.put_failed(19, refused);
  EXPECT_NE(d.drain().find("end_run(storage_refused)"), std::string::npos);
}

// Files one after the other in one slot, each with a new id or a used one: the breaker counts files, not ids.
TEST(scheduler, breaker_counts_files_not_ids) {
  scheduler_driver d({1, 1, 0});
  std::string actions;
  int files = 0;
  for (; files < 100 && actions.find("end_run") == std::string::npos; ++files) {
    d.bring_to_put(0);
    for (int again = 0; again < 3; ++again) {
      d.put_failed(0, refused);
      actions = d.drain();
      if (actions != "start_presign(0)") break;
      d.presigned(0);
      d.drain();
    }
  }
  EXPECT_EQ(files, 20);
}

// ---- what ends a run --------------------------------------------------------------------------------------------

struct fatal_case {
  outcome_kind why;
  bool at_put;
  errc cause;
};

// A refused key, a certificate or a private storage ends the run at once: queued files are given up, attempts in flight
// are told to stop, nothing is begun again, and every file is settled once.
TEST(scheduler, what_ends_the_run) {
  const fatal_case cases[] = {{key_refused, false, errc::key_refused},
                              {tls_refused, true, errc::tls_refused},
                              {private_storage, true, errc::private_storage}};
  for (const auto& c : cases) {
    const std::string cause(name_of(c.cause));
    scheduler_driver d({1, 4, 3});
    d.add_many(6); // to come: 0 puts, 1 is ready, 2 and 4 presign, 3 is parked, 5 waits
    d.drain();
    d.presigned(0);
    d.drain();
    d.presigned(1);
    d.drain();
    d.presign_failed(3, transient, 5s);
    d.drain();
    const file_id struck = c.at_put ? 0 : 2;
    c.at_put ? d.put_failed(0, c.why) : d.presign_failed(2, c.why);
    const std::string rest = d.drain();
    EXPECT_NE(rest.find("end_run(" + cause + ")"), std::string::npos) << c.why << ": " << rest;
    EXPECT_EQ(rest.find("start_"), std::string::npos) << c.why << ": " << rest;
    for (file_id f : {1u, 3u, 5u})
      EXPECT_NE(rest.find("settle(" + std::to_string(f) + ", abandoned, " + cause + ")"), std::string::npos)
          << c.why << ": " << rest;
    // Whatever was in flight is told to stop and settles when it reports.
    for (const file_id file : {0u, 2u, 4u}) {
      if (file == struck) continue;
      EXPECT_NE(rest.find("abort_attempt(" + std::to_string(file) + ")"), std::string::npos) << c.why << ": " << rest;
      file == 0 ? d.put_failed(file, cancelled) : d.presign_failed(file, cancelled);
      EXPECT_NE(d.drain().find("settle(" + std::to_string(file) + ", abandoned"), std::string::npos) << c.why;
    }
    EXPECT_EQ(d.tested.puts_in_flight(), 0) << c.why;
    EXPECT_EQ(d.tested.presigns_in_flight(), 0) << c.why;
    EXPECT_TRUE(d.tested.done()) << c.why;
    EXPECT_FALSE(d.tested.next_wakeup()) << c.why;
    d.add(7);
    EXPECT_EQ(d.drain(), "start_presign(7)") << c.why << ": what comes later begins anew";
  }
}

// ---- what ends a file -------------------------------------------------------------------------------------------

struct permanent_case {
  outcome_kind why;
  bool at_put;
  errc cause;
};

// A permanent failure ends its file at the first time, and no other.
TEST(scheduler, what_ends_a_file) {
  const permanent_case cases[] = {
      {rejected, false, errc::presign_rejected},          {malformed, false, errc::presign_malformed},
      {header_refused, false, errc::header_refused},      {url_refused, false, errc::url_refused},
      {rejected, true, errc::storage_rejected},           {header_refused, true, errc::header_refused},
      {address_refused, true, errc::address_refused},     {source_missing, true, errc::source_missing},
      {source_unreadable, true, errc::source_unreadable}, {source_not_regular, true, errc::source_not_regular},
      {source_too_large, true, errc::source_too_large},
  };
  for (const auto& c : cases) {
    scheduler_driver d({1, 1, 0});
    d.add_many(2);
    d.drain();
    if (c.at_put) {
      d.presigned(0);
      d.drain();
      d.put_failed(0, c.why);
    } else {
      d.presign_failed(0, c.why);
    }
    EXPECT_EQ(d.drain(), failed(0, c.cause) + " start_presign(1)") << c.why;
  }
}

struct bounded_case {
  outcome_kind why;
  int tries;
  errc cause;
};

// A digest that differs gets two more tries, a file that changes three; then the file fails as what it is.
TEST(scheduler, mismatches_and_changes_are_bounded) {
  const bounded_case cases[] = {{digest_mismatch, 3, errc::digest_mismatch}, {source_changed, 4, errc::source_changed}};
  for (const auto& c : cases) {
    scheduler_driver d;
    d.bring_to_put(0);
    std::string next;
    int tries = 0;
    for (; tries < 50; ++tries) {
      d.put_failed(0, c.why);
      next = d.wait_for_action();
      if (next != "start_put(0)") break;
    }
    EXPECT_EQ(tries + 1, c.tries) << c.why;
    EXPECT_EQ(next, failed(0, c.cause)) << c.why;
  }
}

// ---- retries ----------------------------------------------------------------------------------------------------

// A transient failure is tried again on the same ticket after a pause within the jitter's bounds, not earlier than the
// scheduler said.
TEST(scheduler, transient_failures_wait_and_keep_their_ticket) {
  for (const auto why : {transient, lost}) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      scheduler_driver d({}, {}, seed);
      d.bring_to_put(0);
      d.put_failed(0, why);
      const auto wakeup = d.tested.next_wakeup();
      ASSERT_TRUE(wakeup);
      EXPECT_LE(*wakeup, d.now + 100ms);
      if (*wakeup > d.now) {
        EXPECT_EQ(d.drain(), "");
        d.now = *wakeup - 1ns;
        EXPECT_EQ(d.drain(), "");
        d.now = *wakeup;
      }
      EXPECT_EQ(d.drain(), "start_put(0)");
      EXPECT_EQ(d.tested.tallies().retries, 1u);
    }
  }
}

// A retry whose ticket lapsed during the pause goes for a new one.
TEST(scheduler, a_pause_longer_than_the_ticket_refreshes) {
  scheduler_driver d;
  d.bring_to_put(0, 10s);
  d.put_failed(0, throttled, 30s);
  EXPECT_EQ(d.wait_for_action(), "start_presign(0)");
}

// Retry-After is waited for, in the presign and in the PUT.
TEST(scheduler, retry_after_is_waited_for) {
  for (const bool at_put : {false, true}) {
    scheduler_driver d;
    d.add(0);
    d.drain();
    if (at_put) {
      d.presigned(0);
      d.drain();
    }
    at_put ? d.put_failed(0, throttled, 7s) : d.presign_failed(0, throttled, 7s);
    const instant asked = d.now;
    EXPECT_EQ(d.wait_for_action(), at_put ? "start_put(0)" : "start_presign(0)");
    EXPECT_GE(d.now, asked + 7s);
    EXPECT_LE(d.now, asked + 8s);
  }
}

// A Retry-After beyond all patience parks the file and lets others go on; it does not fail a file that was tried once.
TEST(scheduler, regression_a_long_retry_after_parks) {
  scheduler_driver d({1, 1, 0});
  d.bring_to_put(0);
  d.add(1);
  d.put_failed(0, throttled, 999'999s);
  EXPECT_EQ(d.drain(), "start_presign(1)");
  EXPECT_TRUE(d.tested.next_wakeup());
}

// `attempts_max` bounds charged tries; without it, time does.
TEST(scheduler, retries_are_bounded) {
  for (const int attempts_max : {1, 2, 5}) {
    scheduler_driver d({}, {{100ms, 20'000ms}, {1000ms, 20'000ms}, 15min, attempts_max});
    d.bring_to_put(0);
    int tries = 1;
    for (; tries < 100; ++tries) {
      d.put_failed(0, transient);
      if (d.wait_for_action() != "start_put(0)") break;
    }
    EXPECT_EQ(tries, attempts_max);
  }
  scheduler_driver d;
  d.bring_to_put(0, 24h);
  const instant begun = d.now;
  std::string next;
  for (int tries = 0; tries < 10'000; ++tries) {
    d.put_failed(0, transient);
    next = d.wait_for_action();
    if (next != "start_put(0)") break;
  }
  EXPECT_EQ(next, failed(0, errc::gave_up));
  EXPECT_GT(d.now - begun, 14min);
  EXPECT_LE(d.now - begun, 15min);
}

// A kept connection that was closed gives one free retry, at once and uncharged; the second time is a failure.
TEST(scheduler, one_free_retry) {
  scheduler_driver d({}, charged_once_fails);
  d.bring_to_put(0);
  d.put_failed(0, stale);
  EXPECT_EQ(d.drain(), "start_put(0)");
  d.put_failed(0, stale);
  EXPECT_EQ(d.drain(), failed(0, errc::gave_up));

  scheduler_driver p({}, charged_once_fails);
  p.add(0);
  p.drain();
  p.presign_failed(0, stale);
  EXPECT_EQ(p.drain(), "start_presign(0)");
  p.presign_failed(0, stale);
  EXPECT_EQ(p.drain(), failed(0, errc::gave_up));
}

// A presign whose turn never came on its connection is asked for again at once, as often as that happens, uncharged.
TEST(scheduler, unserved_is_no_failure) {
  scheduler_driver d({}, charged_once_fails);
  d.add(0);
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(d.drain(), "start_presign(0)");
    d.presign_failed(0, unserved);
  }
}

// Being out of descriptors is ours to wait for: uncharged, with a pause that grows, and not for ever. The requests that
// never left are not counted.
TEST(scheduler, exhausted_pauses_uncharged) {
  scheduler_driver d({}, charged_once_fails);
  d.bring_to_put(0, 24h);
  const instant begun = d.now;
  std::string next = "start_put(0)";
  int tries = 0;
  for (; tries < 1000 && next == "start_put(0)"; ++tries) {
    const instant before = d.now;
    d.put_failed(0, exhausted);
    EXPECT_EQ(d.tested.tallies().puts, 0u);
    next = d.wait_for_action();
    EXPECT_GE(d.now - before, tries == 0 ? 100ms : 0ms);
    EXPECT_LE(d.now - before, 5s);
  }
  EXPECT_EQ(next, failed(0, errc::gave_up));
  EXPECT_LE(tries, 200);
  EXPECT_GE(d.now - begun, 14min);
  EXPECT_LE(d.now - begun, 16min);
}

// ---- outages ----------------------------------------------------------------------------------------------------

/// Lets every attempt at a dead host fail after `each` for `longest`; the instants at which attempts were begun.
std::vector<instant> probe(scheduler_driver& d, const char* expected, millis each, millis longest, outcome_kind why,
                           bool at_put) {
  std::vector<instant> begun;
  for (const instant end = d.now + longest; d.now < end;) {
    const auto next = d.wait_for_action();
    EXPECT_EQ(next.substr(0, std::string_view(expected).size()), expected);
    if (next.empty()) break;
    begun.push_back(d.now);
    const auto f = static_cast<file_id>(std::stoul(next.substr(std::string_view(expected).size())));
    d.now += each;
    at_put ? d.put_failed(f, why) : d.presign_failed(f, why);
  }
  return begun;
}

/// Hardly fewer probes than seconds, and never two within one.
void expect_once_a_second(const std::vector<instant>& begun, std::chrono::seconds longest) {
  const auto seconds = static_cast<std::size_t>(longest.count());
  EXPECT_LE(begun.size(), seconds + 1);
  EXPECT_GE(begun.size(), seconds * 5 / 6);
  for (std::size_t i = 1; i < begun.size(); ++i) EXPECT_GE(begun[i] - begun[i - 1], 1s);
}

// A storage that does not answer is one fact: nobody is charged, at most one probe a second goes out, and when it
// answers again all go on.
TEST(scheduler, storage_outage) {
  scheduler_driver d({4, 4, 0}, charged_once_fails);
  d.bring_to_put(9, 24h);
  d.stored(9);
  d.drain();
  for (file_id f = 0; f < 4; ++f) d.bring_to_put(f, 24h);
  for (file_id f = 0; f < 4; ++f) d.put_failed(f, unreachable);
  const auto begun = probe(d, "start_put(", 10ms, 5min, unreachable, true);
  expect_once_a_second(begun, 5min);
  const auto last = d.wait_for_action();
  ASSERT_EQ(last.substr(0, 10), "start_put(");
  d.stored(static_cast<file_id>(std::stoul(last.substr(10))));
  const auto rest = d.drain();
  EXPECT_NE(rest.find("settle(" + last.substr(10, 1) + ", done)"), std::string::npos) << rest;
  EXPECT_EQ(d.tested.puts_in_flight(), 3) << "the others went at once: " << rest;
  EXPECT_EQ(d.tested.tallies().retries, 0u);
}

// Each probe goes with another file: the ticket of one may lead where nobody is. (regression: one such file was every
// probe, and all others waited for ever)
TEST(scheduler, probes_go_round) {
  for (const auto why : {unreachable, handshake_lost}) {
    scheduler_driver d({3, 3, 0}, charged_once_fails);
    d.bring_to_put(9, 24h);
    d.stored(9);
    d.drain();
    for (file_id f = 0; f < 3; ++f) d.bring_to_put(f, 24h);
    for (file_id f = 0; f < 3; ++f) d.put_failed(f, unreachable);
    std::set<std::string> probed;
    for (int i = 0; i < 3; ++i) {
      const auto next = d.wait_for_action();
      ASSERT_EQ(next.substr(0, 10), "start_put(");
      probed.insert(next);
      d.put_failed(static_cast<file_id>(std::stoul(next.substr(10))), why);
    }
    EXPECT_EQ(probed.size(), 3u) << name_of(why);
  }
}

// Something takes connections and has nobody to hand them to: from the third in a row it is asked once a second,
// uncharged.
TEST(scheduler, three_lost_handshakes_are_an_outage) {
  scheduler_driver d({4, 4, 0}, {{0ms, 0ms}, {0ms, 0ms}, 24h, 2});
  d.bring_to_put(9, 24h);
  d.stored(9);
  d.drain();
  for (file_id f = 0; f < 4; ++f) d.bring_to_put(f, 24h);
  for (file_id f = 0; f < 4; ++f) d.put_failed(f, handshake_lost);
  const auto begun = probe(d, "start_put(", 10ms, 5min, handshake_lost, true);
  expect_once_a_second(begun, 5min);
  EXPECT_EQ(d.tested.tallies().retries, 2u) << "the two that came before the third";
  EXPECT_EQ(d.wait_for_action().substr(0, 10), "start_put(");
}

// With an answer in between it is none, however many are lost: each file waits for its charged retry, and the others go
// on.
TEST(scheduler, lost_handshakes_among_answers_are_no_outage) {
  scheduler_driver d({2, 2, 0}, {{100ms, 100ms}, {100ms, 100ms}, 24h, 0});
  d.bring_to_put(0, 24h);
  for (file_id f = 1; f < 20; ++f) {
    d.bring_to_put(f, 24h);
    d.stored(f);
    d.drain();
    d.put_failed(0, handshake_lost);
    EXPECT_EQ(d.drain(), "");
    EXPECT_EQ(d.wait_for_action(), "start_put(0)");
  }
  EXPECT_EQ(d.tested.tallies().retries, 19u);
}

// An API that does not answer after the first success is an outage as well, however long.
TEST(scheduler, api_outage_after_the_first_success) {
  scheduler_driver d({4, 4, 0}, charged_once_fails);
  d.bring_to_put(9);
  d.stored(9);
  d.drain();
  d.add(0);
  const auto begun = probe(d, "start_presign(", 10ms, 1h, unreachable, false);
  expect_once_a_second(begun, 1h);
  d.wait_for_action();
  d.presigned(0);
  EXPECT_EQ(d.drain(), "start_put(0)");
}

// While a host is down, attempts begun earlier end in every way; still at most one new attempt a second goes to it.
TEST(scheduler, regression_stragglers_do_not_quicken_the_probes) {
  for (const auto straggler : {lost, unreachable, handshake_lost, exhausted, stale}) {
    scheduler_driver d({32, 32, 0});
    d.bring_to_put(40);
    d.stored(40);
    d.drain();
    for (file_id f = 0; f < 32; ++f) d.bring_to_put(f, 24h);
    d.put_failed(0, unreachable);
    int begun = 0;
    const instant end = d.now + 31s;
    for (file_id f = 1; f < 32; ++f) {
      d.now += 1s;
      begun += d.drain() != "" ? 1 : 0; // the probe, whose fate stays open
      d.put_failed(f, straggler);
      const auto more = d.drain();
      EXPECT_EQ(more, "") << straggler << " brought a second attempt beside the probe";
      if (!more.empty()) break;
    }
    EXPECT_LE(d.now, end);
    EXPECT_LE(begun, 1) << straggler << ": one probe is out at a time";
  }
}

// A probe that breaks without an answer (accepted, then reset) leaves the gate closed: the next one waits its second.
TEST(scheduler, regression_probes_that_break_keep_their_distance) {
  for (const auto why : {lost, exhausted}) {
    scheduler_driver d({32, 32, 0}, {{0ms, 0ms}, {0ms, 0ms}, 24h, 0});
    d.bring_to_put(40);
    d.stored(40);
    d.drain();
    for (file_id f = 0; f < 32; ++f) d.bring_to_put(f, 24h);
    for (file_id f = 0; f < 32; ++f) d.put_failed(f, unreachable);
    const auto begun = probe(d, "start_put(", 1ms, 10s, why, true);
    EXPECT_LE(begun.size(), 11u) << why;
  }
}

struct first_contact_case {
  const char* name;
  millis each; ///< attempt
  millis not_before, not_after;
};

// Before the first presign succeeded, an API that does not answer ends the run after 3 s of trying, not earlier.
TEST(scheduler, api_unreachable_before_the_first_success) {
  const first_contact_case cases[] = {{"refused at once", 0ms, 3s, 4s}, {"refused after 100 ms", 100ms, 3s, 4s}};
  for (const auto& c : cases) {
    scheduler_driver d;
    d.add_many(3);
    const instant begun = d.now;
    std::string all;
    std::set<file_id> out;
    while (all.find("end_run") == std::string::npos && d.now < begun + 60s) {
      const auto actions = d.wait_for_action();
      ASSERT_NE(actions, "") << c.name;
      all += actions;
      for (auto at = actions.find("start_presign("); at != std::string::npos;
           at = actions.find("start_presign(", at + 1))
        out.insert(static_cast<file_id>(std::stoul(actions.substr(at + 14))));
      d.now += c.each;
      for (const file_id f : std::exchange(out, {})) d.presign_failed(f, unreachable);
      all += d.drain();
    }
    EXPECT_NE(all.find("end_run(api_unreachable)"), std::string::npos) << c.name;
    EXPECT_GE(d.now - begun, c.not_before) << c.name;
    EXPECT_LE(d.now - begun, c.not_after) << c.name;
    EXPECT_TRUE(d.tested.done()) << c.name;
  }
}

// An API that said 503 once and then vanished had no success: unreachable for 3 s, it ends the run.
TEST(scheduler, regression_an_error_is_not_the_first_success) {
  scheduler_driver d;
  d.add(0);
  d.drain();
  d.presign_failed(0, transient);
  const instant begun = d.now;
  std::string all;
  while (all.find("end_run") == std::string::npos && d.now < begun + 60s) {
    const auto next = d.wait_for_action();
    all += next;
    if (next.find("start_presign") != std::string::npos) d.presign_failed(0, unreachable);
    all += d.drain();
  }
  EXPECT_NE(all.find("end_run(api_unreachable)"), std::string::npos);
  EXPECT_GE(d.now - begun, 3s);
  EXPECT_LE(d.now - begun, 10s);
}

// While another thread's connection to it stands, an API that has answered nothing yet is not unreachable.
TEST(scheduler, regression_another_thread_is_connected) {
  shared_facts facts;
  scheduler_limits counting;
  counting.counts_connections = true;
  scheduler other(counting, {}, 1, &facts);
  scheduler_driver d(counting, {}, 1, &facts);
  other.connection_opened(std::nullopt, d.now);
  d.add(0);
  d.drain();
  const auto refused_for = [&](instant::duration how_long) {
    std::string all;
    for (const instant end = d.now + how_long; d.now < end && all.find("end_run") == std::string::npos;) {
      d.presign_failed(0, unreachable);
      all += d.drain();
      if (all.find("end_run") == std::string::npos) all += d.wait_for_action();
    }
    return all;
  };
  EXPECT_EQ(refused_for(20s).find("end_run"), std::string::npos);
  other.connection_closed(std::nullopt);
  EXPECT_NE(refused_for(5s).find("end_run(api_unreachable)"), std::string::npos);
}

/// How many tickets are made in a second by a scheduler whose only origin is away, while others have `stored` so many
/// files.
std::size_t tickets_in_search(std::uint64_t stored) {
  shared_facts facts;
  facts.stored = stored;
  scheduler_driver d({}, {}, 1, &facts);
  d.add_many(4000);
  std::size_t made = 0;
  for (const instant end = d.now + 2s; d.now < end;) {
    const auto actions = d.wait_for_action(1s);
    for (auto at = actions.find("start_"); at != std::string::npos; at = actions.find("start_", at + 1)) {
      const file_id f = static_cast<file_id>(std::stoul(actions.substr(actions.find('(', at) + 1)));
      if (actions.compare(at, 9, "start_put") == 0) {
        d.put_failed(f, unreachable);
      } else {
        made += d.now >= end - 1s ? 1 : 0;
        d.presigned(f);
      }
    }
  }
  return made;
}

// While the only origin that is known is away, files that had no ticket are given one, as theirs may lead elsewhere:
// the sooner where others have stored something, so that there is another origin.
TEST(scheduler, looks_for_another_origin) {
  EXPECT_GE(tickets_in_search(0), 80u);
  EXPECT_LE(tickets_in_search(0), 110u);
  EXPECT_GE(tickets_in_search(5), 500u);
}

// A file that is settled is none of its origin's any more, however it ended: the origin's number may be given to
// another.
TEST(scheduler, a_settled_file_leaves_its_origin) {
  for (const bool cancelled : {false, true}) {
    scheduler_driver d;
    d.bring_to_put(0);
    EXPECT_FALSE(d.tested.origin_idle(0));
    if (cancelled) {
      d.cancel(0, stop_kind::drain);
      d.put_failed(0, transient);
    } else {
      d.stored(0);
    }
    d.drain();
    EXPECT_TRUE(d.tested.origin_idle(0)) << cancelled;
  }
}

// A wake-up is set only for what can then be done: a file that waits for the window, not for the probe, sets none, and
// the caller does not spin.
TEST(scheduler, regression_no_wake_up_without_work) {
  scheduler_driver d({1, 1, 0});
  d.bring_to_put(0, 24h);
  d.put_failed(0, throttled, 5s);
  d.add(1);
  EXPECT_EQ(d.drain(), "start_presign(1)");
  d.now += 10s;
  EXPECT_EQ(d.drain(), "start_put(0)");
  d.presign_failed(1, unreachable);
  EXPECT_EQ(d.drain(), "");
  d.now += 10s;
  EXPECT_EQ(d.drain(), "") << "the only slot is taken";
  EXPECT_TRUE(!d.tested.next_wakeup() || *d.tested.next_wakeup() > d.now);
  d.stored(0);
  EXPECT_EQ(d.drain(), "settle(0, done) start_presign(1)") << "and the probe goes as soon as it can";
}

// An outage's time is not charged: a file that failed once before it is tried again after it, not given up.
TEST(scheduler, regression_an_outage_does_not_use_up_the_patience) {
  scheduler_driver d;
  d.bring_to_put(0, 24h);
  d.put_failed(0, lost);
  probe(d, "start_put(", 10ms, 20min, unreachable, true);
  EXPECT_EQ(d.wait_for_action(), "start_put(0)");
  d.put_failed(0, transient);
  EXPECT_EQ(d.wait_for_action(), "start_put(0)");
}

// Tickets that lapse because the storage is away are refreshed for as long as that lasts: no file fails by waiting.
TEST(scheduler, regression_an_outage_longer_than_many_tickets) {
  scheduler_driver d({4, 4, 0}, charged_once_fails);
  std::string settled;
  const instant end = d.now + 5min;
  d.add_many(4);
  while (d.now < end) {
    const auto actions = d.wait_for_action();
    if (actions.empty()) break;
    for (file_id f = 0; f < 4; ++f) {
      const auto id = std::to_string(f) + ")";
      if (actions.find("start_presign(" + id) != std::string::npos) d.presigned(f, 5s);
      if (actions.find("start_put(" + id) != std::string::npos) d.put_failed(f, unreachable);
    }
    if (actions.find("settle") != std::string::npos) settled += actions;
  }
  EXPECT_EQ(settled, "");
}

// Tickets that are dead on arrival end in a reason, while the storage is away as well: the API is not asked for ever.
TEST(scheduler, regression_dead_tickets_end_during_an_outage) {
  scheduler_driver d({1, 1, 0});
  d.bring_to_put(0, 1s);
  d.put_failed(0, unreachable);
  d.now += 10s; // the ticket has lapsed, and the probe is due
  int presigns = 0;
  while (d.drain().find("start_presign(0)") != std::string::npos && presigns < 100) {
    ++presigns;
    d.presigned(0, 0s);
  }
  EXPECT_LE(presigns, 11);
}

// ---- cancellation -----------------------------------------------------------------------------------------------

enum class at { waiting, presigning, ready, putting, parked };

struct cancel_case {
  const char* name;
  at where;
  stop_kind how;
  const char* expected;      ///< at once
  const char* after_failure; ///< of what was in flight
  const char* after_success; ///< of what was in flight
};

// Drain lets a PUT in flight finish and begins nothing again; now gives it up. Everything queued is abandoned, and a
// presign in flight is not waited for. What succeeded meanwhile is done.
TEST(scheduler, cancellation_in_every_stage) {
  const char* gone = "settle(0, abandoned, cancelled)";
  const cancel_case cases[] = {
      {"waiting, drain", at::waiting, stop_kind::drain, gone, nullptr, nullptr},
      {"waiting, now", at::waiting, stop_kind::now, gone, nullptr, nullptr},
      {"presigning, drain", at::presigning, stop_kind::drain, "abort_attempt(0)", gone, gone},
      {"presigning, now", at::presigning, stop_kind::now, "abort_attempt(0)", gone, gone},
      {"ready, drain", at::ready, stop_kind::drain, gone, nullptr, nullptr},
      {"ready, now", at::ready, stop_kind::now, gone, nullptr, nullptr},
      {"putting, drain", at::putting, stop_kind::drain, "", gone, "settle(0, done)"},
      {"putting, now", at::putting, stop_kind::now, "abort_attempt(0)", gone, "settle(0, done)"},
      {"parked, drain", at::parked, stop_kind::drain, gone, nullptr, nullptr},
      {"parked, now", at::parked, stop_kind::now, gone, nullptr, nullptr},
  };
  for (const auto& c : cases) {
    for (const bool succeeds : {false, true}) {
      if (c.after_failure == nullptr && succeeds) continue;
      scheduler_driver d({1, 2, 1});
      if (c.where == at::ready) {
        d.bring_to_put(1); // takes the only slot
        d.add(0);
        d.drain();
        d.presigned(0);
        d.drain();
      } else {
        d.add(0);
        if (c.where != at::waiting) d.drain();
        if (c.where == at::putting || c.where == at::parked) d.presigned(0);
        if (c.where == at::putting || c.where == at::parked) d.drain();
        if (c.where == at::parked) d.put_failed(0, throttled, 60s);
      }
      d.cancel(0, c.how);
      EXPECT_EQ(d.drain(), c.expected) << c.name;
      if (c.after_failure != nullptr) {
        const bool putting = c.where == at::putting;
        if (succeeds)
          putting ? d.stored(0) : d.presigned(0);
        else
          putting ? d.put_failed(0, transient) : d.presign_failed(0, cancelled);
        EXPECT_EQ(d.drain(), succeeds ? c.after_success : c.after_failure) << c.name;
      }
      if (c.where == at::ready) {
        d.stored(1);
        d.drain();
      }
      EXPECT_TRUE(d.tested.done()) << c.name;
      EXPECT_FALSE(d.tested.next_wakeup()) << c.name;
      d.cancel(0, c.how);
      EXPECT_EQ(d.drain(), "") << c.name << ": a settled file is cancelled no more";
    }
  }
}

// The second signal: a drained PUT is given up at once after all.
TEST(scheduler, drain_then_now) {
  scheduler_driver d;
  d.bring_to_put(0);
  d.cancel(0, stop_kind::drain);
  EXPECT_EQ(d.drain(), "");
  d.cancel(0, stop_kind::now);
  EXPECT_EQ(d.drain(), "abort_attempt(0)");
  d.put_failed(0, cancelled);
  EXPECT_EQ(d.drain(), "settle(0, abandoned, cancelled)");
}

// A cancelled file leaves the others where they are.
TEST(scheduler, cancelling_one_does_not_touch_others) {
  scheduler_driver d({1, 1, 0});
  d.add_many(4);
  d.cancel(0, stop_kind::now);
  d.cancel(2, stop_kind::drain);
  EXPECT_EQ(d.drain(), "settle(0, abandoned, cancelled) settle(2, abandoned, cancelled) start_presign(1)");
  d.presigned(1);
  EXPECT_EQ(d.drain(), "start_put(1)");
  d.stored(1);
  EXPECT_EQ(d.drain(), "settle(1, done) start_presign(3)");
}

// A drained file whose PUT meets a dead host or a 403 is not tried again, and the gate learns of it all the same.
TEST(scheduler, a_draining_failure_still_tells_of_the_host) {
  for (const auto why : {unreachable, refused, throttled, lost, stale, exhausted}) {
    scheduler_driver d({2, 2, 0});
    d.bring_to_put(0);
    d.cancel(0, stop_kind::drain);
    d.put_failed(0, why);
    EXPECT_EQ(d.drain(), "settle(0, abandoned, cancelled)") << why;
    d.add(1);
    d.drain();
    d.presigned(1);
    EXPECT_EQ(d.drain(), why == unreachable ? "" : "start_put(1)") << why;
  }
}

// One handshake in many that is refused, at a host that has served, is tried again; three in a row end the run.
TEST(scheduler, regression_one_node_with_bad_tls) {
  for (const bool at_api : {false, true}) {
    scheduler_driver d({4, 4, 4});
    d.bring_to_put(0);
    d.stored(0);
    d.drain();
    d.add(1);
    d.drain();
    for (int i = 0; i < 3; ++i) {
      if (at_api) {
        d.presign_failed(1, tls_refused);
        EXPECT_EQ(d.wait_for_action(), "start_presign(1)") << i;
      } else {
        if (i == 0) {
          d.presigned(1);
          d.drain();
        }
        d.put_failed(1, tls_refused);
        EXPECT_EQ(d.wait_for_action(), "start_put(1)") << i;
      }
    }
    if (at_api)
      d.presign_failed(1, tls_refused);
    else
      d.put_failed(1, tls_refused);
    EXPECT_EQ(d.drain(), "end_run(tls_refused) settle(1, abandoned, tls_refused)");
  }
}

// An origin with a bad certificate beside one that serves fails its files at once: the first, and those behind them.
TEST(scheduler, regression_one_origin_with_bad_tls) {
  scheduler_driver d({4, 4, 4});
  d.bring_to_put(0);
  for (file_id f = 1; f <= 6; ++f) {
    d.add(f);
    d.drain();
    d.tested.on(event::presign_answered{f, d.ticket(15min), 1}, d.now);
    EXPECT_EQ(d.drain(), "start_put(" + std::to_string(f) + ")");
    if (f % 2 == 0) continue;
    d.put_failed(f, tls_refused);
    EXPECT_EQ(d.drain(), "settle(" + std::to_string(f) + ", failed, tls_refused)");
  }
}

// An origin whose certificate has become bad is there: its gate does not stay closed before those that wait to be told
// so.
TEST(scheduler, regression_bad_tls_is_no_outage) {
  scheduler_driver d({8, 8, 8});
  d.bring_to_put(0);
  for (file_id f = 1; f <= 6; ++f) {
    d.add(f);
    d.drain();
    d.tested.on(event::presign_answered{f, d.ticket(15min), 1}, d.now);
    d.drain();
  }
  d.stored(1);
  d.drain();
  for (const file_id f : {2, 3, 4}) d.put_failed(f, tls_refused); // excused, as it has served
  EXPECT_TRUE(d.tested.down_since(1));
  d.put_failed(5, tls_refused);
  EXPECT_NE(d.drain().find("settle(5, failed, tls_refused)"), std::string::npos);
  EXPECT_FALSE(d.tested.down_since(1));
}

// So is the first one of all, while others are under way that may come about: the last of these tells.
TEST(scheduler, regression_bad_tls_in_the_first_wave) {
  for (const bool one_is_good : {false, true}) {
    scheduler_driver d({4, 3, 4});
    for (file_id f = 0; f < 3; ++f) d.add(f);
    EXPECT_EQ(d.drain(), "start_presign(0) start_presign(1) start_presign(2)");
    d.presign_failed(0, tls_refused);
    EXPECT_EQ(d.drain(), "");
    if (one_is_good) {
      d.presigned(1);
      d.drain();
      d.presign_failed(2, tls_refused);
      EXPECT_EQ(d.drain().find("end_run"), std::string::npos);
    } else {
      d.presign_failed(1, tls_refused);
      EXPECT_EQ(d.drain(), "");
      d.presign_failed(2, tls_refused);
      EXPECT_TRUE(d.drain().starts_with("end_run(tls_refused)"));
    }
  }
}

} // namespace
} // namespace hoist::core
