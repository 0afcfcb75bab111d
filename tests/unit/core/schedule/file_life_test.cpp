#include "core/schedule/file_life.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace hoist::core {
namespace {

using enum outcome_kind;

std::string text(const step& s) {
  std::ostringstream out;
  out << s;
  return out.str();
}

attempt_end ended(outcome_kind why, bool putting) {
  attempt_end e;
  e.why.kind = why;
  e.putting = putting;
  return e;
}

struct life_case {
  outcome_kind why;
  const char* presigning;
  const char* putting;
};

// The one table: what follows from each way in which a first attempt can end.
TEST(file_life, after_a_first_attempt) {
  const life_case cases[] = {
      {throttled, "retry", "retry"},
      {transient, "retry", "retry"},
      {unavailable, "retry", "retry"},
      {gateway, "retry", "retry"},
      {lost, "retry", "retry"},
      {garbled, "retry", "retry"},
      {handshake_lost, "retry", "retry"},
      {unreachable, "in_turn", "in_turn"},
      {unserved, "again", "again"},
      {stale, "again", "again"},
      {exhausted, "shortage", "shortage"},
      {digest_mismatch, "retry", "retry"},
      {source_changed, "retry", "retry"},
      {refused, "fail(presign_rejected)", "new_ticket"},
      {rejected, "fail(presign_rejected)", "fail(storage_rejected)"},
      {malformed, "fail(presign_malformed)", "fail(presign_malformed)"},
      {header_refused, "fail(header_refused)", "fail(header_refused)"},
      {url_refused, "fail(url_refused)", "fail(url_refused)"},
      {address_refused, "fail(address_refused)", "fail(address_refused)"},
      {source_missing, "fail(source_missing)", "fail(source_missing)"},
      {source_too_large, "fail(source_too_large)", "fail(source_too_large)"},
      {cancelled, "abandon", "abandon"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(text(file_life{}.after(ended(c.why, false))), c.presigning) << c.why;
    EXPECT_EQ(text(file_life{}.after(ended(c.why, true))), c.putting) << c.why;
  }
}

// What meets a host that is away is not charged, and goes behind the others; what cannot connect to one that answers
// others waits until a connection may be tried.
TEST(file_life, the_host_matters) {
  for (const auto why : {unavailable, gateway, handshake_lost}) {
    auto e = ended(why, true);
    e.host_away = true;
    EXPECT_EQ(text(file_life{}.after(e)), "in_turn") << why;
  }
  for (const auto why : {unreachable, handshake_lost}) {
    auto e = ended(why, true);
    e.host_alive = true;
    EXPECT_EQ(text(file_life{}.after(e)), "reconnect") << why;
  }
}

// An answer that cannot be read three times in a row fails the file; anything else in between begins the count anew.
TEST(file_life, garbled_three_times) {
  file_life one;
  EXPECT_EQ(text(one.after(ended(garbled, true))), "retry");
  EXPECT_EQ(text(one.after(ended(garbled, true))), "retry");
  EXPECT_EQ(text(one.after(ended(garbled, true))), "fail(storage_malformed)");
  file_life other;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(text(other.after(ended(garbled, true))), "retry");
    EXPECT_EQ(text(other.after(ended(transient, true))), "retry");
  }
  file_life presign;
  for (int i = 0; i < 2; ++i) presign.after(ended(garbled, false));
  EXPECT_EQ(text(presign.after(ended(garbled, false))), "fail(presign_malformed)");
}

// A refusal of a lapsed ticket is a lapse: many are allowed, and not for ever; of a fresh one two.
TEST(file_life, refusals) {
  auto fresh = ended(refused, true), late = fresh;
  late.ticket_lapsed = true;
  file_life one;
  EXPECT_EQ(text(one.after(fresh)), "new_ticket");
  EXPECT_EQ(text(one.after(fresh)), "new_ticket");
  EXPECT_EQ(text(one.after(fresh)), "fail(storage_refused)");
  file_life slow;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(text(slow.after(late)), "new_ticket") << i;
  EXPECT_EQ(text(slow.after(late)), "fail(ticket_lapsed)");
}

// Tickets that are dead when they come are asked for again three times, and a PUT that begins starts the count anew.
TEST(file_life, dead_tickets) {
  file_life one;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(one.may_renew_dead());
  EXPECT_FALSE(one.may_renew_dead());
  file_life used;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(used.may_renew_dead());
    used.put_begins();
  }
}

} // namespace
} // namespace hoist::core
