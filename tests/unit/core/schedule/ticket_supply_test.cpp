#include "core/schedule/ticket_supply.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

struct supply_case {
  const char* name;
  supply_figures given;
  int wanted;
};

constexpr instant::duration day = 24h, never_told = 0ns;

// How many tickets there should be, by slots, in flight, ahead, how long a PUT and a presign take, a ticket's life, a
// rate.
TEST(ticket_supply, table) {
  const supply_case cases[] = {
      {"at first: for each slot, and ahead", {8, 0, 3, never_told, never_told, never_told, {}}, 11},
      {"all slots taken: ahead", {8, 8, 3, never_told, never_told, never_told, {}}, 3},
      {"nothing ahead, all taken", {8, 8, 0, never_told, never_told, never_told, {}}, 0},
      {"slots that come free in the time of a presign", {8, 8, 3, 100ms, 50ms, day, {}}, 7},
      {"a presign that takes longer than a PUT", {8, 8, 3, 10ms, 1s, day, {}}, 11},
      {"no more than is used in a quarter of a life", {4, 4, 8, 2s, 10ms, 8s, {}}, 4},
      {"a life of a year", {4, 4, 8, 1ms, 1ms, 365 * day, {}}, 12},
      {"a life of a year, a PUT of a nanosecond", {1000, 1000, 8, 1ns, 1ns, 365 * day, {}}, 1008},
      {"dead tickets, slots free", {8, 3, 3, 100ms, 50ms, -1h, {}}, 5},
      {"dead tickets, something in flight", {8, 8, 3, 100ms, 50ms, -1h, {}}, 0},
      {"dead tickets, nothing in flight: one, to find out", {8, 0, 3, 100ms, 50ms, -365 * day, {}}, 8},
      {"no slot and nothing in flight: one, to find out", {0, 0, 0, 100ms, 50ms, -1h, {}}, 1},
      {"as many as the rate uses in a second", {64, 64, 64, 100ms, 10ms, day, 10.0}, 11},
      {"as many as the rate uses in a quarter of a life", {64, 64, 64, 10ms, 1ms, 2s, 10.0}, 6},
      {"a rate of nearly nothing", {64, 64, 64, 10ms, 1ms, day, 0.01}, 1},
      {"a rate beyond all numbers", {8, 8, 3, 100ms, 50ms, day, 1e300}, 7},
      {"more in flight than slots", {4, 8, 2, never_told, never_told, never_told, {}}, 2},
      {"a negative number ahead", {4, 0, -5, never_told, never_told, never_told, {}}, 4},
  };
  for (const auto& c : cases) EXPECT_EQ(tickets_wanted(c.given), c.wanted) << c.name;
}

// While no PUT is in flight there is always one to be made, whatever the figures. (regression: a dead ticket made the
// number negative, and nothing would ever have asked for another)
TEST(ticket_supply, regression_never_none_while_nothing_is_in_flight) {
  for (const int slots : {0, 1, 4096})
    for (const auto life :
         {instant::duration::min(), instant::duration{-1}, instant::duration{0}, instant::duration::max()})
      for (const auto put : {instant::duration{0}, instant::duration{1}, instant::duration::max()})
        for (const auto rate : {std::optional<double>{}, std::optional(0.0), std::optional(1e9)})
          EXPECT_GE(tickets_wanted({slots, 0, 0, put, put, life, rate}), 1);
}

} // namespace
} // namespace hoist::core
