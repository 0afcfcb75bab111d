// Faults by name: how they are written, and whom they hit.
#include "server/faults/fault_plan.hpp"

#include <gtest/gtest.h>

#include "server/faults/fault_injector.hpp"
#include "server/faults/ticket_spoiler.hpp"

namespace hoist::server {
namespace {

fault good(std::string_view spec) {
  auto parsed = parse_fault(spec);
  if (const auto* complaint = std::get_if<std::string>(&parsed)) ADD_FAILURE() << spec << ": " << *complaint;
  return std::holds_alternative<fault>(parsed) ? std::get<fault>(parsed) : fault{};
}

// Each part of a spec ends up in its own field.
TEST(parse_fault, parts) {
  using std::chrono::milliseconds;
  const struct {
    const char* spec;
    fault_scope scope;
    fault_action action;
    unsigned status;
    milliseconds time;
    std::optional<std::uint64_t> after;
    double share;
  } cases[] = {
      {"put:return-503=2%", fault_scope::put, fault_action::answer, 503, {}, {}, 0.02},
      {"put:return-503-after-64KiB=0.5%", fault_scope::put, fault_action::answer, 503, {}, 65536, 0.005},
      {"put:early-403", fault_scope::put, fault_action::answer_early, 403, {}, {}, 1},
      {"put:reset-after-0=1%", fault_scope::put, fault_action::reset, 0, {}, 0, 0.01},
      {"put:reset", fault_scope::put, fault_action::reset, 0, {}, {}, 1},
      {"put:stall-200ms-after-64KiB", fault_scope::put, fault_action::stall, 0, milliseconds{200}, 65536, 1},
      {"put:lose-answer=100%", fault_scope::put, fault_action::lose_answer, 0, {}, {}, 1},
      {"put:expired", fault_scope::put, fault_action::expired, 0, {}, {}, 1},
      {"put:expired-request", fault_scope::put, fault_action::expired_other_code, 0, {}, {}, 1},
      {"presign:return-429=5%", fault_scope::presign, fault_action::answer, 429, {}, {}, 0.05},
      {"presign:url-userinfo", fault_scope::presign, fault_action::spoil_ticket, 0, {}, {}, 1},
      {"presign:stall-2s=0%", fault_scope::presign, fault_action::stall, 0, milliseconds{2000}, {}, 0},
      {"delete:return-409", fault_scope::remove, fault_action::answer, 409, {}, {}, 1},
      {"connection:close=10%", fault_scope::connection, fault_action::close, 0, {}, {}, 0.1},
      {"clock:ahead=1h", fault_scope::clock, fault_action::ahead, 0, milliseconds{3'600'000}, {}, 1},
  };
  for (const auto& expected : cases) {
    const auto parsed = good(expected.spec);
    EXPECT_EQ(parsed.scope, expected.scope) << expected.spec;
    EXPECT_EQ(parsed.action, expected.action) << expected.spec;
    EXPECT_EQ(parsed.status, expected.status) << expected.spec;
    EXPECT_EQ(parsed.time, expected.time) << expected.spec;
    EXPECT_EQ(parsed.after_bytes, expected.after) << expected.spec;
    EXPECT_DOUBLE_EQ(parsed.share, expected.share) << expected.spec;
  }
  EXPECT_EQ(good("put:reset=first-20").first, 20U);
  EXPECT_DOUBLE_EQ(good("put:throttle-above=200/s").per_second, 200);
  EXPECT_EQ(good("presign:retry-after=1500ms").text, "2");
  EXPECT_EQ(good("presign:retry-after=-1").text, "-1");
  EXPECT_EQ(good("put:return-503=2%").name, "put:return-503");
}

// What is not understood is refused with what would be.
TEST(parse_fault, refusals) {
  for (const auto* spec : {"",
                           "put",
                           "put:",
                           "put:unknown",
                           "gut:reset",
                           "put:return",
                           "put:return-200",
                           "put:return-5x3",
                           "put:stall",
                           "put:stall-5",
                           "put:reset=2",
                           "put:reset=101%",
                           "put:reset=-1%",
                           "put:reset=nan%",
                           "put:reset=first-x",
                           "put:early-403-after-1KiB",
                           "presign:reset-after-1KiB",
                           "presign:early-403",
                           "put:throttle-above=5%",
                           "put:throttle-above=inf/s",
                           "put:retry-after",
                           "clock:ahead",
                           "clock:ahead=soon",
                           "delete:lose-answer",
                           "put:reset-after-",
                           "put:url-userinfo"}) {
    const bool bare_seconds = std::string_view(spec) == "put:stall-5";
    EXPECT_EQ(std::holds_alternative<std::string>(parse_fault(spec)), !bare_seconds) << spec;
  }
  EXPECT_TRUE(
      std::get<std::string>(parse_fault("put:unknown")).starts_with("unknown fault; this scope has return-STATUS"));
}

// A share is met over many requests, the same requests are hit each time, and another seed hits others.
TEST(hits, share_and_seed) {
  const auto each = good("put:return-503=2%");
  std::size_t count = 0;
  std::size_t same_under_other_seed = 0;
  for (std::uint64_t n = 0; n < 100'000; ++n) {
    const bool hit = hits(each, 1, n);
    EXPECT_EQ(hit, hits(each, 1, n));
    count += hit ? 1 : 0;
    same_under_other_seed += hit && hits(each, 2, n) ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(count), 2000, 150);
  EXPECT_LT(same_under_other_seed, 100U);
}

// 0 % is never, 100 % always, first-N the first N.
TEST(hits, edges) {
  for (std::uint64_t n = 0; n < 1000; ++n) {
    EXPECT_FALSE(hits(good("put:reset=0%"), 7, n));
    EXPECT_TRUE(hits(good("put:reset=100%"), 7, n));
    EXPECT_EQ(hits(good("put:reset=first-20"), 7, n), n < 20);
  }
}

// The first fault of the list that hits is the one; other scopes do not count.
TEST(chosen, order) {
  const std::vector<fault> faults{good("presign:reset"), good("put:retry-after=2s"), good("put:reset=first-1"),
                                  good("put:close")};
  EXPECT_EQ(chosen(faults, fault_scope::put, 1, 0), &faults[2]);
  EXPECT_EQ(chosen(faults, fault_scope::put, 1, 1), &faults[3]);
  EXPECT_EQ(chosen(faults, fault_scope::remove, 1, 0), nullptr);
}

// Above its rate the throttle refuses, below it nothing happens.
TEST(fault_injector, throttle) {
  fault_injector injector({good("put:throttle-above=100/s")}, 1);
  fault_injector::clock::time_point now{std::chrono::seconds{100}};
  const auto admitted = [&](std::chrono::milliseconds apart) {
    int count = 0;
    for (int i = 0; i < 1000; ++i) {
      now += apart;
      count += injector.next(fault_scope::put, now) == nullptr ? 1 : 0;
    }
    return count;
  };
  EXPECT_NEAR(admitted(std::chrono::milliseconds{5}), 500, 12);
  EXPECT_EQ(admitted(std::chrono::milliseconds{20}), 1000);
}

// Each hostile reply differs from the honest one, and the well-formed ones stay JSON's shape.
TEST(spoil_ticket, changes_something) {
  const std::string honest = R"({"id":"i","presigned_url":"https://h:1/b/i?X=1","public_url":"https://h:1/files/i",)"
                             R"("expires_at":"2026-01-02T03:04:05Z","required_headers":{"x-amz-meta-file-id":"i"}})";
  for (const auto name : ticket_spoiler_names()) {
    auto json = honest;
    spoil_ticket(name, json, "image/png");
    EXPECT_NE(json, honest) << name;
    EXPECT_TRUE(can_spoil_ticket(name));
  }
  const auto spoiled = [&](std::string_view name) {
    auto json = honest;
    spoil_ticket(name, json, "image/png");
    return json;
  };
  EXPECT_NE(spoiled("url-userinfo").find(R"("https://user:password@h:1/b/i?X=1")"), std::string::npos);
  EXPECT_NE(spoiled("url-plain-http").find(R"("presigned_url":"http://h:1/b/i?X=1")"), std::string::npos);
  EXPECT_NE(spoiled("url-metadata-address").find(R"("https://169.254.169.254/b/i?X=1")"), std::string::npos);
  EXPECT_NE(spoiled("expires-no-zone").find(R"("expires_at":"2026-01-02T03:04:05",)"), std::string::npos);
  EXPECT_EQ(spoiled("expires-missing").find("expires_at"), std::string::npos);
  EXPECT_EQ(spoiled("url-missing").substr(0, 24), R"({"id":"i","public_url":")");
  EXPECT_EQ(spoiled("id-missing").substr(0, 18), R"({"presigned_url":")");
  EXPECT_NE(spoiled("header-crlf").find(R"("x-amz-meta-a":"b\r\nX-Injected: 1"}})"), std::string::npos);
}

} // namespace
} // namespace hoist::server
