#include "engine/words/removal_outcome.hpp"

#include <gtest/gtest.h>

namespace hoist::engine {
namespace {

using core::outcome_kind;

constexpr core::wall_time today{std::chrono::sys_days{std::chrono::year{2026} / 11 / 22}};

wire::response answer(int status, std::string body = {}) {
  wire::response r;
  r.status = status;
  r.body = std::move(body);
  r.body.reserve(r.body.size() + 64);
  return r;
}

// Each status means what the contract says.
TEST(removal_outcome, by_status) {
  struct {
    int status;
    removal_answer expected;
    outcome_kind kind; ///< of a failure
  } const cases[] = {
      {204, removal_answer::removed, {}},
      {200, removal_answer::removed, {}},
      {404, removal_answer::unknown, {}},
      {400, removal_answer::failed, outcome_kind::rejected},
      {401, removal_answer::failed, outcome_kind::key_refused},
      {403, removal_answer::failed, outcome_kind::rejected},
      {405, removal_answer::failed, outcome_kind::rejected},
      {302, removal_answer::failed, outcome_kind::rejected},
      {202, removal_answer::failed, outcome_kind::rejected},
      {409, removal_answer::failed, outcome_kind::transient},
      {408, removal_answer::failed, outcome_kind::transient},
      {429, removal_answer::failed, outcome_kind::throttled},
      {500, removal_answer::failed, outcome_kind::transient},
      {502, removal_answer::failed, outcome_kind::gateway},
      {503, removal_answer::failed, outcome_kind::unavailable},
  };
  for (const auto& c : cases) {
    const auto v = of_delete_answer(answer(c.status), today);
    EXPECT_EQ(v.answer, c.expected) << c.status;
    if (c.expected != removal_answer::failed) continue;
    EXPECT_EQ(v.why.what.kind, c.kind) << c.status;
    EXPECT_EQ(v.why.details.where, phase::remove) << c.status;
    EXPECT_EQ(v.why.details.http_status, c.status);
  }
}

// What the server asks to wait, and what it says, is kept.
TEST(removal_outcome, details) {
  auto busy = answer(429, R"({"error":"slow down"})");
  busy.retry_after = "7";
  const auto v = of_delete_answer(busy, today);
  EXPECT_EQ(v.why.what.retry_after, core::millis{7'000});
  EXPECT_EQ(v.why.details.server_message, "slow down");
}

} // namespace
} // namespace hoist::engine
