#include "core/pace/host_gate.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using namespace std::chrono_literals;

using role = host_gate::role;

const instant t0 = instant{} + 1000s;

// A gate is open until an attempt says that the host does not answer.
TEST(host_gate, open_at_first) {
  host_gate gate(250ms, 1s);
  EXPECT_TRUE(gate.open());
  EXPECT_TRUE(gate.may_start(t0));
  EXPECT_FALSE(gate.down_since());
  EXPECT_FALSE(gate.next_probe());
}

// Closed, it lets one probe through per interval: the first interval until the host has ever answered, then the other.
TEST(host_gate, probes_at_the_interval) {
  for (const bool answered : {false, true}) {
    host_gate gate(250ms, 1s);
    const millis interval = answered ? 1000ms : 250ms;
    if (answered) gate.answered(t0);
    gate.unreachable(t0, role::ordinary);
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
  gate.unreachable(t0, role::ordinary);
  EXPECT_EQ(gate.started(), role::probe);
  EXPECT_FALSE(gate.may_start(t0 + 10s));
  EXPECT_FALSE(gate.next_probe());
  gate.unreachable(t0 + 10s, role::probe);
  EXPECT_FALSE(gate.may_start(t0 + 10s));
  EXPECT_TRUE(gate.may_start(t0 + 11s));
}

// The outage's beginning is the first failure's time, however many follow.
TEST(host_gate, down_since_the_first_failure) {
  host_gate gate(250ms, 1s);
  for (int i = 0; i < 5; ++i) gate.unreachable(t0 + i * 1s, role::ordinary);
  EXPECT_EQ(gate.down_since(), t0);
}

// Any answer opens it, for all.
TEST(host_gate, an_answer_opens) {
  host_gate gate(250ms, 1s);
  gate.unreachable(t0, role::ordinary);
  gate.started();
  gate.answered(t0);
  EXPECT_TRUE(gate.open());
  EXPECT_FALSE(gate.down_since());
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(gate.may_start(t0));
    gate.started();
  }
}

// A cancelled probe tells nothing: the gate stays closed, and the next may go.
TEST(host_gate, an_inconclusive_probe_leaves_it_closed) {
  host_gate gate(250ms, 1s);
  gate.unreachable(t0, role::ordinary);
  gate.started();
  gate.inconclusive(t0, role::probe);
  EXPECT_FALSE(gate.open());
  EXPECT_TRUE(gate.may_start(t0 + 1s));
}

// What was begun before the outage says nothing new when it ends: the probe that is out stays the only one.
TEST(host_gate, stragglers_change_nothing) {
  host_gate gate(250ms, 1s);
  gate.answered(t0);
  EXPECT_EQ(gate.started(), role::ordinary);
  gate.unreachable(t0, role::ordinary);
  EXPECT_EQ(gate.started(), role::probe);
  gate.inconclusive(t0 + 5s, role::ordinary);
  gate.unreachable(t0 + 5s, role::ordinary);
  EXPECT_FALSE(gate.may_start(t0 + 60s));
}

// A host that asks to be spared for longer than the interval is.
TEST(host_gate, what_the_host_asks_for) {
  host_gate gate(250ms, 1s);
  gate.answered(t0);
  gate.unreachable(t0, role::ordinary, 7s);
  EXPECT_EQ(gate.next_probe(), t0 + 7s);
  gate.started();
  gate.unreachable(t0 + 8s, role::probe, 100ms);
  EXPECT_EQ(gate.next_probe(), t0 + 9s);
}

// Gates that share a machine probe half as often each.
TEST(host_gate, shared_probes) {
  host_gate gate(millis{250}, millis{1000});
  gate.answered(instant{});
  gate.share_probes(2);
  gate.unreachable(instant{}, host_gate::role::ordinary);
  EXPECT_EQ(gate.next_probe(), instant{} + millis{2000});
  EXPECT_EQ(gate.started(), host_gate::role::probe);
  gate.share_probes(1);
  gate.unreachable(instant{} + millis{2000}, host_gate::role::probe);
  EXPECT_EQ(gate.next_probe(), instant{} + millis{3000});
}

} // namespace
} // namespace hoist::core
