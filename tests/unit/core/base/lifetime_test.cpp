#include "core/base/lifetime.hpp"

#include "wire/dates.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

constexpr millis lifetime_max = 15min;
const instant asked = instant{} + 1000s;
const wall_time issued{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22} + 10h};

/// A server clock known exactly: `issued` at `asked`, moved by what the server is ahead.
server_clock exact_clock() {
  server_clock clock;
  clock.observe(asked, asked, issued, 0ms);
  return clock;
}

struct expiry_case {
  const char* name;
  std::optional<millis> expires_at, signed_until; ///< after issue
  millis expiry, use_before;                      ///< after asking
  bool retained;
};

// The URL's expiry is the earliest of what is known; `expires_at` beyond issue + lifetime_max is the retention date;
// the margin is min(30 s, 10 % of the lifetime).
TEST(lifetime, expiry_and_both_readings_of_expires_at) {
  const expiry_case cases[] = {
      {"nothing known but the option", {}, {}, 900s, 870s, false},
      {"first reading, 15 minutes", 900s, {}, 900s, 870s, false},
      {"first reading, 10 minutes", 600s, {}, 600s, 570s, false},
      {"margin is 30 s from 300 s on", 300s, {}, 300s, 270s, false},
      {"below that a tenth", 200s, {}, 200s, 180s, false},
      {"a short life", 5s, {}, 5s, 4500ms, false},
      {"a very short life", 1s, {}, 1s, 900ms, false},
      {"signature ends first", 900s, 60s, 60s, 54s, false},
      {"expires_at ends first", 60s, 900s, 60s, 54s, false},
      {"signature alone", {}, 300s, 300s, 270s, false},
      {"signature outlives the option", {}, 3600s, 900s, 870s, false},
      {"second reading, 180 days", 180 * 24h, {}, 900s, 870s, true},
      {"second reading, a year, short signature", 365 * 24h, 100s, 100s, 90s, true},
      {"second reading, an hour", 1h, {}, 900s, 870s, true},
  };
  for (const auto& c : cases) {
    ticket_dates dates;
    if (c.expires_at) dates.expires_at = issued + *c.expires_at;
    if (c.signed_until) dates.signed_until = issued + *c.signed_until;
    const lifetime l = lifetime_of(dates, asked, exact_clock(), lifetime_max);
    EXPECT_EQ(l.expiry, asked + c.expiry) << c.name;
    EXPECT_EQ(l.use_before, asked + c.use_before) << c.name;
    EXPECT_EQ(l.issued, asked) << c.name;
    EXPECT_EQ(l.retained_until.has_value(), c.retained) << c.name;
    if (c.retained) {
      EXPECT_EQ(l.retained_until, dates.expires_at) << c.name;
    }
  }
}

// One of several clocks behind a name may be off: a ticket is as good as its own reply's date makes it, or as all dates
// do, whichever is better.
TEST(lifetime, a_reply_is_judged_by_its_own_clock_where_others_would_have_its_ticket_dead) {
  const auto usable = [](millis date_off, millis signer_off) {
    server_clock own;
    own.observe(asked, asked, issued + date_off, 0ms);
    const ticket_dates dates{issued + signer_off + 900s, {}};
    return lifetime_of(dates, asked, clock_for(dates, asked, asked, exact_clock(), own, lifetime_max), lifetime_max)
        .usable(asked);
  };
  EXPECT_TRUE(usable(0ms, 0ms));
  EXPECT_TRUE(usable(-40min, -40min)) << "signed and dated by a clock that is behind";
  EXPECT_TRUE(usable(40min, 0ms)) << "only its date is ahead";
  EXPECT_FALSE(usable(0ms, -40min)) << "by both it is dead";
  EXPECT_FALSE(usable(40min, -40min));
  const ticket_dates dates{issued - 1s, {}};
  const server_clock all = exact_clock(), undated;
  EXPECT_EQ(&clock_for(dates, asked, asked, all, undated, lifetime_max), &all) << "it has no date";
}

// A ticket is used up to, and not at, `use_before`; it is dead at, and not before, its expiry.
TEST(lifetime, edges) {
  const lifetime l = lifetime_of({issued + 100s, {}}, asked, exact_clock(), lifetime_max);
  EXPECT_TRUE(l.usable(asked));
  EXPECT_TRUE(l.usable(asked + 90s - 1ns));
  EXPECT_FALSE(l.usable(asked + 90s));
  EXPECT_FALSE(l.lapsed(asked + 100s - 1ns));
  EXPECT_TRUE(l.lapsed(asked + 100s));
}

// A URL that has ended already is never usable.
TEST(lifetime, an_expiry_in_the_past_is_not_usable) {
  for (const millis after_issue : {0ms, -1ms, -3'600'000ms, -365 * 86'400'000ms}) {
    const lifetime l = lifetime_of({issued + after_issue, {}}, asked, exact_clock(), lifetime_max);
    EXPECT_FALSE(l.usable(asked)) << after_issue.count();
    EXPECT_FALSE(l.retained_until) << after_issue.count();
  }
}

// All three times are on the server's clock; how wrong ours is does not matter.
TEST(lifetime, our_clock_does_not_matter) {
  for (const millis ahead : {0ms, 3'600'000ms, -3'600'000ms}) {
    server_clock clock;
    clock.observe(asked, asked, issued + ahead, 0ms);
    const lifetime l = lifetime_of({issued + ahead + 300s, {}}, asked, clock, lifetime_max);
    EXPECT_EQ(l.expiry, asked + 300s) << ahead.count();
  }
}

// One instant written in any zone is one expiry; without a zone it is UTC.
TEST(lifetime, zones) {
  for (const char* text : {"2026-11-22T10:05:00Z", "2026-11-22T10:05:00", "2026-11-22T12:05:00+02:00",
                           "2026-11-22T02:05:00-08:00", "2026-11-22T15:35:00.000+0530"}) {
    const lifetime l = lifetime_of({wire::parse_iso8601(text), {}}, asked, exact_clock(), lifetime_max);
    EXPECT_EQ(l.expiry, asked + 300s) << text;
  }
}

// An `expires_at` that does not parse is as good as none: the other bounds hold.
TEST(lifetime, garbage_is_ignored) {
  for (const char* text : {"", "soon", "2026-13-45T99:99:99Z", "1764000000"}) {
    const lifetime l = lifetime_of({wire::parse_iso8601(text), issued + 300s}, asked, exact_clock(), lifetime_max);
    EXPECT_EQ(l.expiry, asked + 300s) << text;
    EXPECT_FALSE(l.retained_until) << text;
  }
}

// The zero time of other languages ("0001-01-01T00:00:00Z") and dates at the calendar's end are past and future, not
// an overflow: nanoseconds reach only from 1677 to 2262.
TEST(lifetime, regression_times_beyond_the_nanoseconds_range) {
  for (const char* text : {"0001-01-01T00:00:00Z", "1600-01-01T00:00:00Z", "0000-01-01T00:00:00Z"}) {
    const lifetime l = lifetime_of({wire::parse_iso8601(text), {}}, asked, exact_clock(), lifetime_max);
    EXPECT_FALSE(l.usable(asked)) << text;
  }
  const lifetime far = lifetime_of({{}, wire::parse_amz_date("99991231T235959Z")}, asked, exact_clock(), lifetime_max);
  EXPECT_EQ(far.expiry, asked + 900s);
  const lifetime kept =
      lifetime_of({wire::parse_iso8601("9999-12-31T23:59:59Z"), {}}, asked, exact_clock(), lifetime_max);
  EXPECT_EQ(kept.expiry, asked + 900s);
  EXPECT_TRUE(kept.retained_until);
}

} // namespace
} // namespace hoist::core
