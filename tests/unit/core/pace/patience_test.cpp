#include "core/pace/patience.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

const instant t0 = instant{} + 1000h;

patience::readings served(std::uint32_t n) {
  return {{}, {}, n};
}

// What never failed has all patience, however long it waits or tries, at a host that serves or is away.
TEST(patience, of_what_does_not_fail) {
  patience p;
  EXPECT_EQ(p.used(t0 + 1000h, {100h, 0h, 7}), 0s);
  p.waits(t0, served(0));
  EXPECT_EQ(p.used(t0 + 1000h, {100h, 0h, 7}), 0s);
  p.resumed(t0 + 1000h, {100h, 0h, 7});
  EXPECT_EQ(p.used(t0 + 2000h, {100h, 0h, 7}), 0s);
}

// Failures count from the first one on: attempts and pauses.
TEST(patience, counted_from_the_first_failure) {
  patience p;
  p.resumed(t0, served(0));
  p.failed(t0 + 1h, served(0), 1s);
  EXPECT_EQ(p.used(t0 + 1h, served(0)), 0s);
  p.resumed(t0 + 1h + 1s, served(0));
  p.failed(t0 + 1h + 14min, served(0), 20s);
  EXPECT_EQ(p.used(t0 + 1h + 14min, served(0)), 14min);
  p.resumed(t0 + 1h + 15min, served(0));
  EXPECT_EQ(p.used(t0 + 1h + 15min, served(0)), 15min);
}

struct wait_case {
  const char* name;
  std::chrono::seconds own_pause, waited; ///< waited: in all
  bool host_served;
  std::chrono::seconds used;
};

// A wait beyond the file's own pause is excused if the host served others meanwhile, and counts if it served nobody;
// its own pause counts in any case.
TEST(patience, waits) {
  const wait_case cases[] = {{"own pause, others served", 10s, 10s, true, 10s},
                             {"long own pause, others served", 960s, 960s, true, 960s},
                             {"own pause, nobody served", 960s, 960s, false, 960s},
                             {"an hour more, others served", 10s, 1h, true, 10s},
                             {"an hour more, nobody served", 10s, 1h, false, 1h}};
  for (const auto& c : cases) {
    patience p;
    p.failed(t0, served(5), c.own_pause);
    p.waits(t0 + c.own_pause, served(5)); // its pause is over, and it waits for its turn
    const auto later = served(c.host_served ? 6 : 5);
    EXPECT_EQ(p.used(t0 + c.waited, later), c.host_served ? std::min(c.own_pause, c.waited) : c.used) << c.name;
    p.resumed(t0 + c.waited, later);
    EXPECT_EQ(p.used(t0 + c.waited, later), c.used) << c.name << ", when it is tried again";
  }
}

// What was excused stays excused, and the rest adds up.
TEST(patience, adds_up) {
  patience p;
  std::uint32_t n = 0;
  instant now = t0;
  for (int i = 0; i < 10; ++i) { // 80 s of its own, 1 h not, in each round
    p.failed(now, served(n++), 80s);
    now += 80s + 1h;
    p.resumed(now, served(n));
  }
  EXPECT_EQ(p.used(now, served(n)), 800s);
}

// A success of the host while the attempt itself was under way excuses nothing.
TEST(patience, an_attempt_is_no_wait) {
  patience p;
  p.failed(t0, served(0), 0s);
  p.resumed(t0, served(0));
  p.failed(t0 + 16min, served(9), 0s); // it took that long
  EXPECT_EQ(p.used(t0 + 16min, served(10)), 16min);
}

// An outage is never held against a file, whatever it does meanwhile; no more than the outage is excused, and the same
// time is never excused twice. (regression: the downtime of API and storage was added, and patience ran backwards)
TEST(patience, an_outage_is_excused) {
  patience p;
  p.failed(t0, served(0), 1s);
  EXPECT_EQ(p.used(t0 + 1h, {50min, 0s, 0}), 10min);
  p.waits(t0 + 1h, {50min, 0s, 0});
  p.resumed(t0 + 2h, {110min, 0s, 0});
  EXPECT_EQ(p.used(t0 + 2h, {110min, 0s, 0}), 10min);
  EXPECT_EQ(p.used(t0 + 2h, {500min, 0s, 0}), 10min) << "never backwards";
}

// A file that only waits for a host which is there and answers nobody, or was never there, loses its patience too.
TEST(patience, a_sick_host_uses_it_up) {
  patience p;
  p.waits(t0, {0s, 3s, 0});
  EXPECT_EQ(p.used(t0 + 1h, {0s, 10min, 0}), 10min - 3s);
  EXPECT_FALSE(p.failing());
}

// Waiting for another host is judged by that host's clocks, from then on.
TEST(patience, moves_between_hosts) {
  patience p;
  p.failed(t0, {0s, 0s, 0}, 0s);
  p.moved(t0 + 10s, {4s, 0s, 0}, {1h, 0s, 70});
  EXPECT_EQ(p.used(t0 + 10s, {1h, 0s, 70}), 6s);
  EXPECT_EQ(p.used(t0 + 20s, {1h, 0s, 70}), 16s);
}

} // namespace
} // namespace hoist::core
