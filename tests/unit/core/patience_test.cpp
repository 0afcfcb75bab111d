#include "core/patience.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

constexpr millis limit = 15min;

// What never failed has all patience.
TEST(patience, of_what_does_not_fail) { EXPECT_FALSE(patience{}.exhausted(1000h, 7, limit)); }

// Failures may go on for the limit, counted from the first, and to the end of the pause that is to follow.
TEST(patience, counted_from_the_first_failure) {
  patience p;
  p.failed(1h, 0, 1s);
  EXPECT_FALSE(p.exhausted(1h, 0, limit));
  p.resumed(1h + 1s, 0);
  p.failed(1h + 14min + 40s, 0, 20s);
  EXPECT_FALSE(p.exhausted(1h + 14min + 40s, 0, limit)) << "the pause ends just in time";
  p.resumed(1h + 15min, 0);
  p.failed(1h + 15min, 0, 1ms);
  EXPECT_TRUE(p.exhausted(1h + 15min, 0, limit));
}

struct wait_case {
  const char* name;
  std::chrono::seconds own_pause, waited; ///< waited: in all
  bool host_served;
  bool exhausted;
};

// A wait beyond the file's own pause is excused if the host served others meanwhile, and counts if it served nobody; its
// own pause counts in any case.
TEST(patience, waits) {
  const wait_case cases[] = {{"own pause, within", 10s, 10s, true, false},
                             {"own pause, beyond", 16min, 16min, true, true},
                             {"own pause, beyond, nobody served", 16min, 16min, false, true},
                             {"an hour more, others served", 10s, 1h, true, false},
                             {"an hour more, nobody served", 10s, 1h, false, true},
                             {"nobody served, but soon", 10s, 14min, false, false}};
  for (const auto& c : cases) {
    patience p;
    p.failed(0s, 5, c.own_pause);
    const std::uint32_t served = c.host_served ? 6 : 5;
    EXPECT_EQ(p.exhausted(c.waited, served, limit), c.exhausted) << c.name << ", while it waits";
    p.resumed(c.waited, served);
    p.failed(c.waited, served, 0s);
    EXPECT_EQ(p.exhausted(c.waited, served, limit), c.exhausted) << c.name << ", when it has failed again";
  }
}

// What was excused stays excused, and the rest adds up.
TEST(patience, adds_up) {
  patience p;
  std::uint32_t served = 0;
  instant::duration now{};
  for (int i = 0; i < 10; ++i) { // 80 s of its own, 1 h not, in each round
    p.failed(now, served++, 80s);
    EXPECT_FALSE(p.exhausted(now, served, limit)) << i;
    now += 80s + 1h;
    p.resumed(now, served);
  }
  p.failed(now, served, 101s);
  EXPECT_TRUE(p.exhausted(now, served, limit));
}

// A success of the host while the attempt itself was under way excuses nothing.
TEST(patience, an_attempt_is_no_wait) {
  patience p;
  p.failed(0s, 0, 0s);
  p.resumed(0s, 0);
  p.failed(16min, 9, 0s); // it took that long
  EXPECT_TRUE(p.exhausted(16min, 10, limit));
}

} // namespace
} // namespace hoist::core
