#include "wire/dates.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace hoist::wire {
namespace {

using core::millis;
using core::wall_time;
using namespace std::string_view_literals;

struct date_case {
  const char* name;
  std::string_view input;
  std::optional<std::int64_t> expected_ms; ///< since the epoch
};

template <class Parse>
void expect_dates(Parse parse, std::initializer_list<date_case> cases) {
  for (const auto& c : cases) {
    const auto got = parse(c.input);
    EXPECT_EQ(got ? std::optional(got->time_since_epoch().count()) : std::nullopt, c.expected_ms) << c.name;
  }
}

// An HTTP date is the preferred form, or what servers write for it: the obsolete forms, an offset, no zone.
TEST(dates, http_date) {
  expect_dates(parse_http_date, {
                                    {"the RFC's example", "Sun, 06 Nov 1994 08:49:37 GMT", 784111777000},
                                    {"the epoch", "Thu, 01 Jan 1970 00:00:00 GMT", 0},
                                    {"leap day", "Thu, 29 Feb 2024 12:00:00 GMT", 1709208000000},
                                    {"end of a year", "Thu, 31 Dec 2026 23:59:59 GMT", 1798761599000},
                                    {"leap second", "Sat, 31 Dec 2016 23:59:60 GMT", 1483228800000},
                                    {"before the epoch", "Wed, 31 Dec 1969 23:59:59 GMT", -1000},
                                    {"no leap day", "Sat, 29 Feb 2025 12:00:00 GMT", {}},
                                    {"day zero", "Sun, 00 Nov 1994 08:49:37 GMT", {}},
                                    {"one-digit day", "Sun, 6 Nov 1994 08:49:37 GMT", 784111777000},
                                    {"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", 784111777000},
                                    {"RFC 850 with four digits", "Sunday, 06-Nov-1994 08:49:37 GMT", 784111777000},
                                    {"RFC 850 of this century", "Tuesday, 06-Nov-68 08:49:37 GMT", 3119417377000},
                                    {"asctime", "Sun Nov  6 08:49:37 1994", 784111777000},
                                    {"asctime, two-digit day", "Wed Nov 16 08:49:37 1994", 784975777000},
                                    {"asctime with a zone", "Sun Nov 06 08:49:37 UTC 1994", 784111777000},
                                    {"small letters", "sun, 06 nov 1994 08:49:37 gmt", 784111777000},
                                    {"UTC", "Sun, 06 Nov 1994 08:49:37 UTC", 784111777000},
                                    {"offset", "Sun, 06 Nov 1994 08:49:37 +0000", 784111777000},
                                    {"another offset", "Sun, 06 Nov 1994 10:49:37 +0200", 784111777000},
                                    {"no zone", "Sun, 06 Nov 1994 08:49:37", 784111777000},
                                    {"blanks around", " Sun, 06 Nov 1994 08:49:37 GMT\t", 784111777000},
                                    {"no blank behind the comma", "Sun,06 Nov 1994 08:49:37 GMT", {}},
                                    {"year of three digits", "Sun, 06 Nov 994 08:49:37 GMT", {}},
                                    {"year of five digits", "Sun, 06 Nov 19941 08:49:37 GMT", {}},
                                    {"asctime without a year", "Sun Nov  6 08:49:37", {}},
                                    {"hour 24", "Sun, 06 Nov 1994 24:00:00 GMT", {}},
                                    {"minute 60", "Sun, 06 Nov 1994 08:60:00 GMT", {}},
                                    {"second 61", "Sun, 06 Nov 1994 08:49:61 GMT", {}},
                                    {"another zone", "Sun, 06 Nov 1994 08:49:37 CET", {}},
                                    {"unknown month", "Sun, 06 Nox 1994 08:49:37 GMT", {}},
                                    {"unknown weekday", "Sux, 06 Nov 1994 08:49:37 GMT", {}},
                                    {"cut", "Sun, 06 Nov 1994 08:49:37 GM", {}},
                                    {"more behind it", "Sun, 06 Nov 1994 08:49:37 GMT x", {}},
                                    {"NUL behind it", "Sun, 06 Nov 1994 08:49:37 GMT\0"sv, {}},
                                    {"sign in a number", "Sun, +6 Nov 1994 08:49:37 GMT", {}},
                                    {"empty", "", {}},
                                    {"junk", "\xff\xfe\x01", {}},
                                });
}

// Every prefix of a date is none, but for that without a zone.
TEST(dates, prefixes_are_refused) {
  const std::string_view http = "Sun, 06 Nov 1994 08:49:37 GMT", amz = "20261122T101530Z";
  for (std::size_t n = 0; n < http.size(); ++n)
    EXPECT_EQ(parse_http_date(http.substr(0, n)).has_value(), n == 25 || n == 26) << n;
  for (std::size_t n = 0; n < amz.size(); ++n) EXPECT_FALSE(parse_amz_date(amz.substr(0, n))) << n;
}

// ISO-8601 with a fraction, an offset or no zone, as serialisers write it; without a zone it is UTC.
TEST(dates, iso8601) {
  constexpr std::int64_t t = 1795342530000; // 2026-11-22T10:15:30Z
  expect_dates(parse_iso8601, {
                                  {"Z", "2026-11-22T10:15:30Z", t},
                                  {"small letters", "2026-11-22t10:15:30z", t},
                                  {"a space", "2026-11-22 10:15:30Z", t},
                                  {"no zone", "2026-11-22T10:15:30", t},
                                  {"milliseconds", "2026-11-22T10:15:30.250Z", t + 250},
                                  {"tenths", "2026-11-22T10:15:30.2Z", t + 200},
                                  {"microseconds", "2026-11-22T10:15:30.123456Z", t + 123},
                                  {"nanoseconds", "2026-11-22T10:15:30.999999999Z", t + 999},
                                  {"thirty digits", "2026-11-22T10:15:30.000999999999999999999999999999Z", t},
                                  {"comma", "2026-11-22T10:15:30,5Z", t + 500},
                                  {"fraction, no zone", "2026-11-22T10:15:30.250", t + 250},
                                  {"python", "2026-11-22T10:15:30.123456+00:00", t + 123},
                                  {"east", "2026-11-22T12:15:30+02:00", t},
                                  {"west", "2026-11-22T02:15:30-08:00", t},
                                  {"half an hour", "2026-11-22T15:45:30+05:30", t},
                                  {"no colon", "2026-11-22T12:15:30+0200", t},
                                  {"hours only", "2026-11-22T12:15:30+02", t},
                                  {"zero west", "2026-11-22T10:15:30-00:00", t},
                                  {"next day's offset", "2026-11-23T00:15:30+14:00", t},
                                  {"zero time", "0001-01-01T00:00:00Z", -62135596800000},
                                  {"end of time", "9999-12-31T23:59:59Z", 253402300799000},
                                  {"no seconds", "2026-11-22T10:15Z", t - 30'000},
                                  {"no seconds, an offset", "2026-11-22T12:15+02:00", t - 30'000},
                                  {"Go", "2026-11-22 10:15:30.123456789 +0000 UTC", t + 123},
                                  {"Go elsewhere", "2026-11-22 11:15:30 +0100 CET", t},
                                  {"Ruby", "2026-11-22 10:15:30 UTC", t},
                                  {"Java", "2026-11-22T11:15:30+01:00[Europe/Berlin]", t},
                                  {"Java at home", "2026-11-22T10:15:30Z[UTC]", t},
                                  {"Postgres", "2026-11-22 10:15:30.25+00", t + 250},
                                  {"fraction of a minute", "2026-11-22T10:15.5Z", {}},
                                  {"no minutes", "2026-11-22T10Z", {}},
                                  {"day alone", "2026-11-22", {}},
                                  {"bracket alone", "2026-11-22T10:15:30+01:00[", {}},
                                  {"words behind it", "2026-11-22T10:15:30Z or so", {}},
                                  {"month 13", "2026-13-22T10:15:30Z", {}},
                                  {"month 0", "2026-00-22T10:15:30Z", {}},
                                  {"31 November", "2026-11-31T10:15:30Z", {}},
                                  {"hour 25", "2026-11-22T25:15:30Z", {}},
                                  {"fraction without digits", "2026-11-22T10:15:30.Z", {}},
                                  {"two zones", "2026-11-22T10:15:30Z+01:00", {}},
                                  {"unknown zone", "2026-11-22T10:15:30X", {}},
                                  {"bare sign", "2026-11-22T10:15:30+", {}},
                                  {"one-digit offset", "2026-11-22T10:15:30+2", {}},
                                  {"epoch seconds", "1795342530", {}},
                                  {"HTTP date", "Sun, 22 Nov 2026 10:15:30 GMT", {}},
                                  {"negative year", "-2026-11-22T10:15:30Z", {}},
                                  {"NUL behind it", "2026-11-22T10:15:30\0"sv, {}},
                                  {"NUL in the offset", "2026-11-22T10:15:30+02\0"sv, {}},
                                  {"space before", " 2026-11-22T10:15:30Z", {}},
                                  {"space behind", "2026-11-22T10:15:30Z ", {}},
                                  {"CR LF", "2026-11-22T10:15:30Z\r\n", {}},
                                  {"empty", "", {}},
                                  {"word", "never", {}},
                                  {"null", "null", {}},
                              });
}

// An offset that no clock has is no offset: it must not move an expiry by days.
TEST(dates, regression_impossible_offsets) {
  expect_dates(parse_iso8601, {
                                  {"hours beyond a day", "2026-11-22T10:15:30+99:00", {}},
                                  {"24 hours", "2026-11-22T10:15:30-24:00", {}},
                                  {"60 minutes", "2026-11-22T10:15:30+02:60", {}},
                                  {"colon without minutes", "2026-11-22T10:15:30+02:", {}},
                              });
}

// SigV4's compact form, and nothing else.
TEST(dates, amz_date) {
  expect_dates(parse_amz_date, {
                                   {"plain", "20261122T101530Z", 1795342530000},
                                   {"no zone", "20261122T101530", {}},
                                   {"small letters", "20261122t101530z", {}},
                                   {"impossible", "20261322T101530Z", {}},
                                   {"long form", "2026-11-22T10:15:30Z", {}},
                                   {"more", "20261122T101530Z0", {}},
                                   {"encoded", "20261122T101530%5A", {}},
                               });
}

// An `expires_at` may be any of the spellings, and a number of seconds or milliseconds as well, of which the size
// tells.
TEST(dates, expires_at) {
  constexpr std::int64_t t = 1795342530000;
  expect_dates(parse_expires_at, {
                                     {"ISO", "2026-11-22T10:15:30Z", t},
                                     {"blanks", "  2026-11-22T10:15:30Z\t", t},
                                     {"HTTP", "Sun, 22 Nov 2026 10:15:30 GMT", t},
                                     {"S3", "20261122T101530Z", t},
                                     {"seconds", "1795342530", t},
                                     {"milliseconds", "1795342530000", t},
                                     {"minutes of nobody", "29922375", {}},
                                     {"microseconds", "1795342530000000", {}},
                                     {"too much", "99999999999999999999999", {}},
                                     {"negative", "-1795342530", {}},
                                     {"zero", "0", {}},
                                     {"MySQL's zero", "0000-00-00 00:00:00", {}},
                                     {"empty", "", {}},
                                     {"word", "never", {}},
                                 });
  EXPECT_EQ(parse_epoch(1795342530.25), wall_time{millis{t + 250}});
  for (const double number :
       {0.0, -1.0, 1e300, -1e300, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_FALSE(parse_epoch(number)) << number;
}

struct retry_after_case {
  const char* name;
  std::string_view input;
  std::optional<std::int64_t> expected_ms;
};

// Retry-After is seconds, or a date compared with the answer's own; the past is zero; anything else is ignored.
TEST(dates, retry_after) {
  const wall_time date{millis{784111777000}}; // Sun, 06 Nov 1994 08:49:37 GMT
  const retry_after_case cases[] = {
      {"seconds", "7", 7000},
      {"zero", "0", 0},
      {"leading zeros", "007", 7000},
      {"long", "999999", 999999000},
      {"date", "Sun, 06 Nov 1994 08:49:44 GMT", 7000},
      {"the same moment", "Sun, 06 Nov 1994 08:49:37 GMT", 0},
      {"past date", "Sat, 05 Nov 1994 08:49:37 GMT", 0},
      {"far past", "Mon, 01 Jan 0001 00:00:00 GMT", 0},
      {"empty", "", {}},
      {"obsolete date", "Sunday, 06-Nov-94 08:49:44 GMT", 7000},
      {"fraction", "1.5", 2000},
      {"small fraction", "0.001", 1000},
      {"fraction of nothing", ".5", {}},
      {"fraction without digits", "1.", {}},
      {"two fractions", "1.5.5", {}},
      {"negative", "-7", 0},
      {"negative fraction", "-7.5", 0},
      {"sign alone", "-", {}},
      {"word", "soon", {}},
      {"unit", "7s", {}},
      {"hexadecimal", "0x10", {}},
      {"plus", "+7", {}},
      {"list", "7, 8", {}},
      {"ISO date", "1994-11-06T08:49:44Z", {}},
      {"spaces", " 7\t", 7000},
      {"space within", "7 8", {}},
      {"NUL", "7\0"sv, {}},
      {"arabic digits", "\xd9\xa7", {}},
  };
  for (const auto& c : cases) {
    const auto got = parse_retry_after(c.input, date);
    EXPECT_EQ(got ? std::optional(got->count()) : std::nullopt, c.expected_ms) << c.name;
  }
}

// No number of seconds, however large or negative, overflows or yields a negative wait.
TEST(dates, retry_after_extremes) {
  const wall_time date{millis{784111777000}};
  for (std::string_view text : {"9223372036854775807", "9223372036854775808", "99999999999999999999999999999999",
                                "99999999999999999999999.5"}) {
    const auto got = parse_retry_after(text, date);
    ASSERT_TRUE(got) << text;
    EXPECT_GE(*got, std::chrono::hours{24 * 365}) << text;
  }
  for (std::string_view text : {"-1", "-0", "-9223372036854775808"})
    EXPECT_EQ(parse_retry_after(text, date).value_or(millis{0}), millis{0}) << text;
  EXPECT_GT(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", date), std::chrono::hours{24 * 365});
}

} // namespace
} // namespace hoist::wire
