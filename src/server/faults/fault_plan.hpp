// Faults by name: what can go wrong on purpose, how it is written on the command line, and who is hit. Pure.
//
// A spec is SCOPE:NAME=AMOUNT, for example put:return-503-after-64KiB=1% . Who is hit depends on the seed, the fault
// and the request's number within its scope, and on nothing else: the same seed hits the same numbers in every run, and
// a retried request has a number of its own, so a fault of 5 % does not follow a file for ever.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace hoist::server {

enum class fault_scope { connection, presign, put, remove, clock };
inline constexpr std::size_t fault_scope_count = 5;

enum class fault_action {
  answer,       // a status instead of success, after the body
  answer_early, // the same, from the head alone
  reset,
  close,
  stall,
  lose_answer, // the work is done, the answer never leaves
  spoil_etag,
  drop_etag,
  opaque_etag,
  corrupt_body,
  expired,
  expired_other_code,
  expired_token,
  throttle,
  never_continue,
  fragment_answer,
  flood_of_1xx,
  garbage_answer,
  huge_answer,
  html_answer,
  no_date,
  repeat_ticket,
  spoil_ticket, // one of the hostile replies of ticket_spoiler.hpp
  retry_after,  // a field beside other faults, not one of its own
  ahead,
  behind
};

struct fault {
  fault_scope scope = fault_scope::put;
  fault_action action = fault_action::answer;
  std::string name; // without its amount, as it is counted
  unsigned status = 0;
  std::chrono::milliseconds time{0};
  std::optional<std::uint64_t> after_bytes; // of the body
  double share = 1;                         // of the scope's requests
  std::optional<std::uint64_t> first;       // instead of a share: the scope's first so many
  double per_second = 0;                    // throttle
  std::string text;                         // retry_after
};

// The fault, or what is wrong with the spec and what would be right.
[[nodiscard]] std::variant<fault, std::string> parse_fault(std::string_view spec);

// Whether the scope's n-th request (from 0) is hit.
[[nodiscard]] bool hits(const fault& each, std::uint64_t seed, std::uint64_t number) noexcept;
// Decided before a byte of the body was looked at.
[[nodiscard]] bool judged_by_head(const fault& each) noexcept;
// The first fault of the list that hits; throttle and the fields beside others never do.
[[nodiscard]] const fault* chosen(const std::vector<fault>& faults, fault_scope scope, std::uint64_t seed,
                                  std::uint64_t number) noexcept;

} // namespace hoist::server
