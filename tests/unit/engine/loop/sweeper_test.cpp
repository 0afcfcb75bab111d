#include "engine/loop/sweeper.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

using namespace std::chrono_literals;
using net::stage;

const core::instant t0 = core::instant{} + 1h;

timeout_options limits() {
  timeout_options o;
  o.idle = 1s;
  o.connect = 2s;
  o.handshake = 3s;
  o.progress = 4s;
  o.response = 5s;
  return o;
}

struct stage_case {
  stage at;
  core::millis limit;
};

// Each stage has its own limit: not over at it, over just behind it.
TEST(sweeper, each_stage_has_its_limit) {
  const stage_case cases[] = {{stage::idle, 1s},
                              {stage::connecting, 2s},
                              {stage::handshaking, 3s},
                              {stage::sending, 4s},
                              {stage::awaiting, 5s}};
  for (const auto& c : cases) {
    sweeper s(limits(), 1);
    net::activity doing;
    doing.enter(c.at);
    EXPECT_FALSE(s.overdue(0, doing, t0));
    EXPECT_FALSE(s.overdue(0, doing, t0 + c.limit)) << c.limit.count();
    EXPECT_TRUE(s.overdue(0, doing, t0 + c.limit + 1ms)) << c.limit.count();
  }
}

// Any move starts the time anew, in the same stage or another.
TEST(sweeper, a_move_starts_anew) {
  sweeper s(limits(), 1);
  net::activity doing;
  doing.enter(stage::sending);
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(s.overdue(0, doing, t0 + i * 3s)) << i;
    ++doing.moves;
  }
  doing.enter(stage::idle);
  EXPECT_FALSE(s.overdue(0, doing, t0 + 100s));
  EXPECT_TRUE(s.overdue(0, doing, t0 + 101s + 1ms));
}

// Once found overdue, a connection's clock starts anew: it is shut once, not at every look.
TEST(sweeper, overdue_once) {
  sweeper s(limits(), 1);
  net::activity doing;
  doing.enter(stage::connecting);
  EXPECT_FALSE(s.overdue(0, doing, t0));
  EXPECT_TRUE(s.overdue(0, doing, t0 + 3s));
  EXPECT_FALSE(s.overdue(0, doing, t0 + 3s + 100ms));
  EXPECT_TRUE(s.overdue(0, doing, t0 + 6s));
}

// Connections do not share their clocks.
TEST(sweeper, connections_are_apart) {
  sweeper s(limits(), 2);
  net::activity still, moving;
  still.enter(stage::idle);
  moving.enter(stage::idle);
  EXPECT_FALSE(s.overdue(0, still, t0));
  EXPECT_FALSE(s.overdue(1, moving, t0));
  ++moving.moves;
  EXPECT_FALSE(s.overdue(1, moving, t0 + 2s));
  EXPECT_TRUE(s.overdue(0, still, t0 + 2s));
}

// The first look at a connection never finds it overdue, also when it has not moved yet: nobody looked before.
TEST(sweeper, regression_the_first_look) {
  sweeper s(limits(), 1);
  EXPECT_FALSE(s.overdue(0, net::activity{}, t0));
}

// The count of moves may wrap around; what counts is that it changed.
TEST(sweeper, moves_wrap_around) {
  sweeper s(limits(), 1);
  net::activity doing{stage::idle, 0xffffffffu, 0};
  EXPECT_FALSE(s.overdue(0, doing, t0));
  ++doing.moves;
  EXPECT_FALSE(s.overdue(0, doing, t0 + 10s));
}

} // namespace
} // namespace hoist::engine
