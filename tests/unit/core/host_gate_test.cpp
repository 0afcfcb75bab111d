#include "core/host_gate.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

const instant t0 = instant{} + 1000s;

// A gate is open until an attempt says that the host does not answer.
TEST(host_gate, open_at_first) {
  host_gate gate(250ms, 1s);
  EXPECT_TRUE(gate.open());
  EXPECT_TRUE(gate.may_start(t0));
  EXPECT_FALSE(gate.ever_answered());
  EXPECT_FALSE(gate.down_since());
  EXPECT_FALSE(gate.next_probe());
}

// Closed, it lets one probe through per interval: the first interval until the host has ever answered, then the other.
TEST(host_gate, probes_at_the_interval) {
  for (const bool answered : {false, true}) {
    host_gate gate(250ms, 1s);
    const millis interval = answered ? 1000ms : 250ms;
    if (answered) gate.answered();
    gate.unreachable(t0);
    EXPECT_FALSE(gate.open());
    EXPECT_EQ(gate.down_since(), t0);
    EXPECT_EQ(gate.next_probe(), t0 + interval);
    EXPECT_FALSE(gate.may_start(t0 + interval - 1ns));
    EXPECT_TRUE(gate.may_start(t0 + interval));
  }
}

// While a probe is out, no second one.
TEST(host_gate, one_probe_at_a_time) {
  host_gate gate(250ms, 1s);
  gate.unreachable(t0);
  gate.started();
  EXPECT_FALSE(gate.may_start(t0 + 10s));
  EXPECT_FALSE(gate.next_probe());
  gate.unreachable(t0 + 10s);
  EXPECT_FALSE(gate.may_start(t0 + 10s));
  EXPECT_TRUE(gate.may_start(t0 + 11s));
}

// The outage's beginning is the first failure's time, however many follow.
TEST(host_gate, down_since_the_first_failure) {
  host_gate gate(250ms, 1s);
  for (int i = 0; i < 5; ++i) gate.unreachable(t0 + i * 1s);
  EXPECT_EQ(gate.down_since(), t0);
}

// Any answer opens it, for all.
TEST(host_gate, an_answer_opens) {
  host_gate gate(250ms, 1s);
  gate.unreachable(t0);
  gate.started();
  gate.answered();
  EXPECT_TRUE(gate.open());
  EXPECT_TRUE(gate.ever_answered());
  EXPECT_FALSE(gate.down_since());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(gate.may_start(t0));
    gate.started();
  }
}

// A cancelled probe tells nothing: the gate stays closed, and the next may go.
TEST(host_gate, an_inconclusive_probe_leaves_it_closed) {
  host_gate gate(250ms, 1s);
  gate.unreachable(t0);
  gate.started();
  gate.inconclusive();
  EXPECT_FALSE(gate.open());
  EXPECT_TRUE(gate.may_start(t0 + 1s));
}

} // namespace
} // namespace hoist::core
