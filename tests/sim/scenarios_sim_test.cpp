// Named situations with numbers, on virtual time: what several shards together do to a host that throttles, fails, goes
// away, is far off or near. The numbers are the promises of the README.

#include "world.hpp"

#include <gtest/gtest.h>

namespace hoist::core::sim {
namespace {

scheduler_limits adaptive(int shards, int most = 1024) {
  scheduler_limits l;
  l.puts_max = l.presigns_max = l.tickets_ahead_max = most / shards;
  l.puts = l.presigns = sizing::adaptive;
  l.puts_min = l.presigns_min = std::max(1, 16 / shards);
  return l;
}

plan planned(int shards, int files = 10'000'000) {
  plan p;
  p.shards = shards;
  p.limits = adaptive(shards);
  p.files = files;
  return p;
}

struct throttling_case {
  int shards;
  bool at_api;
  std::optional<millis> retry_after;
};

void PrintTo(const throttling_case& c, std::ostream* out) {
  *out << c.shards << " shards, " << (c.at_api ? "API" : "storage");
}

class throttling_host : public testing::TestWithParam<throttling_case> {};

// A host that refuses what is above X = 200 a second is served at least 0.8 X within 30 s, and sent at most 1.5 X from
// then on; when X becomes 2000, at least 0.8 of that within 60 s. Any number of shards, which know nothing of each
// other, keep to it together.
TEST_P(throttling_host, is_used_and_not_overrun) {
  const auto& c = GetParam();
  world w(planned(c.shards));
  for (host* each : {&w.api, &w.storage()}) {
    each->how.latency = 20ms;
    each->how.jitter = 10ms;
  }
  host& strict = c.at_api ? w.api : w.storage();
  strict.how.throttle_above = 200;
  strict.how.retry_after = c.retry_after;
  w.run_for(60s);
  strict.how.throttle_above = 2000;
  w.run_for(90s);
  const auto& seen = strict.seen;
  for (std::size_t from = 30; from < 60; from += 5) {
    EXPECT_GE(account::sum(seen.served, from, from + 5), 0.8 * 200 * 5) << from;
    EXPECT_LE(account::sum(seen.arrived, from, from + 5), 1.5 * 200 * 5) << from;
  }
  for (std::size_t from = 110; from < 150; from += 5) {
    EXPECT_GE(account::sum(seen.served, from, from + 5), 0.8 * 2000 * 5) << from;
    EXPECT_LE(account::sum(seen.arrived, from, from + 5), 1.5 * 2000 * 5) << from;
  }
  EXPECT_EQ(w.failed, 0);
}

INSTANTIATE_TEST_SUITE_P(shards, throttling_host,
                         testing::Values(throttling_case{1, false, {}}, throttling_case{2, false, {}},
                                         throttling_case{4, false, {}}, throttling_case{1, true, {}},
                                         throttling_case{2, true, 1s}, throttling_case{4, true, {}},
                                         throttling_case{4, false, 2s}),
                         [](const auto& c) {
                           return std::to_string(c.param.shards) + (c.param.at_api ? "_api" : "_storage") +
                                  (c.param.retry_after ? "_retry_after" : "");
                         });

struct strict_case {
  int shards;
  bool at_api;
  double burst; ///< seconds' worth
};

void PrintTo(const strict_case& c, std::ostream* out) {
  *out << c.shards << " shards, " << (c.at_api ? "API" : "storage") << ", burst of " << c.burst << " s";
}

class strict_from_the_start : public testing::TestWithParam<strict_case> {};

// A host that takes 200 requests a second from the first on, of which so many at once, is sent at most a twentieth in
// vain over 90 s, and from the tenth second on at least 0.8 of what it takes is served.
TEST_P(strict_from_the_start, hardly_anything_is_refused) {
  const auto& c = GetParam();
  world w(planned(c.shards));
  for (host* each : {&w.api, &w.storage()}) {
    each->how.latency = 2ms;
    each->how.jitter = 1ms;
  }
  host& strict = c.at_api ? w.api : w.storage();
  strict.how.throttle_above = 200;
  strict.how.throttle_burst = c.burst;
  w.run_for(90s);
  const auto& seen = strict.seen;
  EXPECT_LE(seen.throttled, 0.05 * account::sum(seen.arrived, 0, 1000));
  EXPECT_GE(account::sum(seen.served, 10, 90), 0.8 * 200 * 80);
  EXPECT_LE(account::sum(seen.arrived, 0, 1), 700) << "in the first second";
}

INSTANTIATE_TEST_SUITE_P(shards, strict_from_the_start,
                         testing::Values(strict_case{1, true, 0.1}, strict_case{1, true, 1}, strict_case{1, true, 0},
                                         strict_case{2, true, 0.1}, strict_case{2, true, 1}, strict_case{2, true, 0},
                                         strict_case{4, true, 0.1}, strict_case{1, false, 0.1},
                                         strict_case{2, false, 0.1}, strict_case{2, false, 1},
                                         strict_case{4, false, 0.1}),
                         [](const auto& c) {
                           return std::to_string(c.param.shards) + (c.param.at_api ? "_api_" : "_storage_") +
                                  std::to_string(static_cast<int>(c.param.burst * 1000)) + "ms";
                         });

struct bad_origin_case {
  const char* name;
  int shards;
  bool adaptive;
  bool pinned;
  void (*misbehave)(manners&);
};

void PrintTo(const bad_origin_case& c, std::ostream* out) {
  *out << c.name << ", " << c.shards << " shards";
}

class bad_origin : public testing::TestWithParam<bad_origin_case> {
 protected:
  /// What three of four storages serve from the 10th to the 30th second; the fourth misbehaves from the 2nd on.
  int served(bool misbehaves) const {
    const auto& c = GetParam();
    plan p = planned(c.shards);
    p.storages = 4;
    if (c.pinned) p.leads_to = [](int n) { return static_cast<origin_id>(n % 4); };
    if (!c.adaptive) {
      p.limits.puts_max = p.limits.presigns_max = p.limits.tickets_ahead_max = 64 / c.shards;
      p.limits.puts = p.limits.presigns = sizing::fixed;
    }
    world w(p);
    w.api.how.latency = w.api.how.jitter = 5ms;
    for (host& each : w.storages) {
      each.how.latency = each.how.jitter = 20ms;
      each.how.capacity = 1000;
    }
    w.run_for(2s);
    if (misbehaves) c.misbehave(w.storages[3].how);
    w.run_for(28s);
    int n = 0;
    for (std::size_t i = 0; i < 3; ++i) n += account::sum(w.storages[i].seen.served, 10, 30);
    return n;
  }
};

// Whatever one storage origin of four does, the files of the others go on at half their pace at least.
TEST_P(bad_origin, leaves_the_others_half_their_pace) {
  EXPECT_GE(served(true), served(false) / 2);
}

std::vector<bad_origin_case> bad_origins() {
  struct kind {
    const char* name;
    void (*misbehave)(manners&);
  };
  std::vector<bad_origin_case> all;
  for (const kind& k : {kind{"gone", [](manners& m) { m.away = true; }},
                        {"hangs", [](manners& m) { m.hangs = true; }},
                        {"slow", [](manners& m) { m.latency = 5s; }},
                        {"throttles", [](manners& m) { m.throttled = 1; }},
                        {"throttles_for_long",
                         [](manners& m) {
                           m.throttled = 1;
                           m.retry_after = 60s;
                         }},
                        {"takes_few", [](manners& m) { m.throttle_above = 5; }},
                        {"fails", [](manners& m) { m.transient = 1; }},
                        {"breaks", [](manners& m) { m.lost = 1; }}}) {
    for (const int shards : {1, 2}) all.push_back({k.name, shards, shards > 1, false, k.misbehave});
    all.push_back({k.name, 1, false, true, k.misbehave});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(scenarios, bad_origin, testing::ValuesIn(bad_origins()), [](const auto& c) {
  return std::string(c.param.name) + (c.param.pinned ? "_pinned" : "") + (c.param.adaptive ? "_auto_" : "_") +
         std::to_string(c.param.shards);
});

// A batch begins with more files of a dead origin than may be inside; those of the other one, which come behind them,
// are done within two minutes all the same, at 1, 2 and 4 shards.
TEST(scenarios, a_batch_that_begins_with_files_of_a_dead_origin) {
  for (const int shards : {1, 2, 4}) {
    plan p = planned(shards, 12'000);
    p.storages = 2;
    p.leads_to = [](int n) { return static_cast<origin_id>(n < 5000 ? 1 : 0); };
    world w(p);
    w.api.how.latency = 2ms;
    w.storages[0].how.latency = 5ms;
    w.storages[1].how.away = true;
    w.run_for(2min);
    EXPECT_EQ(w.done, 7000) << shards << " shards";
    EXPECT_EQ(w.failed, 0) << shards << " shards";
  }
}

// An API that allows 200 tickets a second leads thousands of files back to a dead origin, and every other new one to
// it: of the 100 a second that are left, the other origin gets half at least.
TEST(scenarios, renewals_in_vain_leave_the_api_to_the_others) {
  plan p = planned(4);
  p.storages = 2;
  p.leads_to = [](int n) { return static_cast<origin_id>(n % 2); };
  world w(p);
  w.api.how.latency = 2ms;
  w.api.how.capacity = 2000;
  w.storages[0].how.latency = w.storages[1].how.latency = 5ms;
  w.run_for(1s);
  w.storages[1].how.away = true;
  w.run_for(2s); // some thousand files of the dead one are inside by then
  w.api.how.throttle_above = 200;
  w.run_for(30s);
  const int before = w.done;
  w.run_for(60s);
  EXPECT_GE(w.done - before, 60 * 50);
}

struct failing_case {
  const char* name;
  double throttled, transient;
};

// Half of all answers are 503, be it for no reason or allegedly for the load: every one of 2000 files ends done within
// five minutes, and the retries are paid for.
TEST(scenarios, half_of_the_answers_are_503) {
  for (const auto& c : {failing_case{"SlowDown", 0.5, 0}, {"InternalError", 0, 0.5}, {"both", 0.25, 0.25}}) {
    for (const int shards : {1, 2, 4}) {
      for (const std::uint64_t seed : {7, 8, 9, 10}) {
        auto p = planned(shards, 2000);
        p.seed = seed;
        world w(p);
        for (host* each : {&w.api, &w.storage()}) {
          each->how.latency = 20ms;
          each->how.throttled = c.throttled;
          each->how.transient = c.transient;
        }
        w.run_for(5min);
        EXPECT_EQ(w.done, 2000) << c.name << ", " << shards << " shards, seed " << seed;
        EXPECT_EQ(w.failed, 0) << c.name << ", " << shards << " shards, seed " << seed;
      }
    }
  }
}

// Three of four answers are 503: the tokens run out, and what waits for them waits; none of 2000 files fails.
TEST(scenarios, an_empty_budget_fails_no_file) {
  world w(planned(2, 2000));
  w.api.how.transient = w.storage().how.transient = 0.75;
  w.run_for(1min);
  EXPECT_LT(w.done, 2000) << "the budget was not met";
  w.run();
  EXPECT_EQ(w.done, 2000);
  EXPECT_EQ(w.failed, 0);
}

// A host that answers everything with 503, or throttles everything, ends each file by give_up_after, and not much
// later.
TEST(scenarios, a_host_that_never_serves_ends_its_files) {
  for (const auto retry_after : {std::optional<millis>{}, std::optional<millis>{30s}}) {
    for (const bool throttles : {true, false}) {
      world w(planned(2, 1000));
      w.storage().how.retry_after = retry_after;
      (throttles ? w.storage().how.throttled : w.storage().how.transient) = 1;
      w.run_for(14min);
      EXPECT_EQ(w.failed, 0) << throttles;
      w.run_for(26min);
      EXPECT_EQ(w.failed, 1000) << throttles;
    }
  }
}

// A host that is gone for five minutes: no file fails, it is probed at most once a second by all shards together, and
// within 30 s of its return work goes on as before; at first by a few, not by all at once.
TEST(scenarios, five_minutes_away) {
  for (const int shards : {1, 2, 4}) {
    for (const bool api : {true, false}) {
      world w(planned(shards));
      for (host* each : {&w.api, &w.storage()}) {
        each->how.latency = 20ms;
        each->how.capacity = 2000;
      }
      host& gone = api ? w.api : w.storage();
      w.run_for(60s);
      gone.how.away = true;
      w.run_for(5min);
      const auto& probes = gone.seen.attempts_while_away;
      const auto settled_by = start + 62s; // what was in flight when it went, and the first to notice
      const auto later = std::count_if(probes.begin(), probes.end(), [&](instant t) { return t > settled_by; });
      EXPECT_LE(later, 299) << shards;
      EXPECT_GE(later, 200) << shards << ": it is probed";
      gone.how.away = false;
      gone.seen.in_flight_most = 0;
      const auto before = gone.seen.served.size();
      for (int i = 0; i < 4000 && gone.seen.served.size() == before; ++i) w.run_for(1ms);
      w.run_for(20ms); // the answer to the probe is there, that to the first after it is not
      EXPECT_LE(gone.seen.in_flight_most, 8 * shards) << shards << (api ? " api" : " storage");
      w.run_for(60s);
      const auto& served = w.storage().seen.served;
      EXPECT_GE(account::sum(served, 361 + 30, 361 + 50), 0.8 * account::sum(served, 40, 60)) << shards;
      EXPECT_EQ(w.failed, 0) << shards;
    }
  }
}

// An outage that lasts longer than give_up_after is held against no file.
TEST(scenarios, away_for_longer_than_files_are_retried) {
  for (const bool api : {true, false}) {
    auto p = planned(2);
    p.policy.give_up_after = 10s;
    world w(p);
    for (host* each : {&w.api, &w.storage()}) each->how.latency = 20ms;
    w.run_for(2s);
    (api ? w.api : w.storage()).how.away = true;
    w.run_for(45s);
    (api ? w.api : w.storage()).how.away = false;
    w.run_for(15s);
    EXPECT_EQ(w.failed, 0) << (api ? "API" : "storage");
    EXPECT_GT(account::sum(w.storage().seen.served, 50, 60), 0) << (api ? "API" : "storage");
  }
}

// A storage that refuses everything ends the run after twenty files, not after all of them.
TEST(scenarios, refused_by_the_storage) {
  for (const int shards : {1, 4}) {
    world w(planned(shards, 100'000));
    for (host* each : {&w.api, &w.storage()}) each->how.latency = each->how.jitter = 20ms;
    w.storage().how.refused = 1;
    w.run_for(1min);
    EXPECT_EQ(w.ended, errc::storage_refused);
    EXPECT_LE(account::sum(w.storage().seen.arrived, 0, 60), 500) << shards;
  }
}

// A host that answers, and fails whatever it is asked, meets hardly more retries than the budget has tokens, however
// many files wait to be tried again.
TEST(scenarios, retries_of_many_files) {
  auto p = planned(2, 4000);
  world w(p);
  for (host* each : {&w.api, &w.storage()}) each->how.latency = 20ms;
  w.storage().how.transient = 1;
  w.run_for(1min);
  EXPECT_LE(account::sum(w.storage().seen.arrived, 0, 60), 4000 + 500 + 60 * 10 * 1.1);
}

// One answer in a hundred is bad, in each of the usual ways: no file fails, and at least 0.8 of the files are done in
// the time in which all would be without.
TEST(scenarios, mixed_faults_of_one_percent) {
  for (const int shards : {1, 2}) {
    const auto time_for = [&](bool faults) {
      world w(planned(shards, 100'000));
      for (host* each : {&w.api, &w.storage()}) {
        each->how.latency = 5ms;
        each->how.jitter = 2ms;
        each->how.capacity = 10'000;
        if (!faults) continue;
        each->how.throttled = each->how.transient = each->how.lost = each->how.stalled = 0.0025;
      }
      w.run();
      EXPECT_EQ(w.done, 100'000);
      return w.elapsed();
    };
    const auto fair = time_for(false), foul = time_for(true);
    EXPECT_LE(foul.count(), static_cast<double>(fair.count()) / 0.8) << shards;
  }
}

// Where every answer takes 50 ms, several hundred PUTs are in flight within two seconds.
TEST(scenarios, far_hosts) {
  for (const int shards : {1, 2, 4}) {
    world w(planned(shards));
    w.api.how.latency = w.storage().how.latency = 50ms;
    w.run_for(2s);
    EXPECT_GE(w.puts_in_flight(), 400) << shards;
    w.run_for(8s);
    EXPECT_GE(w.puts_in_flight(), 900) << shards;
    EXPECT_GE(account::sum(w.storage().seen.served, 5, 10), 5 * 1024 / 0.05 * 0.9) << shards;
  }
}

// A near host that can do 40 000 a second is used fully from the first second on, and with no more in flight than is of
// use; nor is anything lost over time.
TEST(scenarios, near_hosts) {
  for (const int shards : {1, 2, 4}) {
    world w(planned(shards, 1'200'000));
    for (host* each : {&w.api, &w.storage()}) {
      each->how.latency = 100us;
      each->how.jitter = 50us;
      each->how.capacity = 40'000;
    }
    w.run_for(20s);
    EXPECT_GE(account::sum(w.storage().seen.served, 0, 1), 38'000) << shards;
    EXPECT_GE(account::sum(w.storage().seen.served, 1, 20), 19 * 39'500) << shards;
    EXPECT_LE(w.puts_window(), 128) << shards;
  }
}

// URLs that live 5 s, PUTs that take 200 ms, 16 at a time: no file fails, and tickets are hardly ever made in vain.
TEST(scenarios, short_lived_urls) {
  plan p;
  p.limits = {16, 16, 4};
  p.files = 2000;
  p.ticket_life = 5s;
  world w(p);
  w.storage().how.latency = 200ms;
  w.run();
  EXPECT_EQ(w.done, 2000);
  EXPECT_LE(account::sum(w.api.seen.arrived, 0, 1000), 2000 * 1.2);
}

// The same where the storage accepts few a second: tickets are not made for slots that the rate will not let be used.
TEST(scenarios, short_lived_urls_at_a_throttling_storage) {
  auto p = planned(2, 1000);
  p.ticket_life = 5s;
  world w(p);
  w.storage().how.latency = 20ms;
  w.storage().how.throttle_above = 10;
  w.run();
  EXPECT_EQ(w.done, 1000);
  EXPECT_LE(account::sum(w.api.seen.arrived, 30, 1000), 1000 * 1.2);
}

} // namespace
} // namespace hoist::core::sim
