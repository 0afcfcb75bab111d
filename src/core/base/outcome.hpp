#pragma once

// The closed set of ways in which an attempt (a presign or a PUT) can end other than well. I/O reports one of these and
// decides nothing; scheduler::decide says what follows.

#include "core/base/time.hpp"

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string_view>

namespace hoist::core {

enum class outcome_kind : std::uint8_t {
  // the server answered
  throttled,       ///< 429, 503 SlowDown: slow down, try again
  transient,       ///< 408, other 5xx and what S3 calls retryable
  unavailable,     ///< 503 that does not say SlowDown: too much to do, or nobody behind the balancer
  gateway,         ///< 502, 504: whoever stands before the server reaches nobody
  refused,         ///< 403 and its kin: a new URL may help
  rejected,        ///< it will never take this file
  key_refused,     ///< 401 from the API
  malformed,       ///< a presign reply that breaks the contract
  header_refused,  ///< required_headers we must not send
  url_refused,     ///< a URL we must not follow
  digest_mismatch, ///< stored bytes differ from those read
  // the way there
  unreachable,     ///< no connection: refused, unresolvable, connect timeout
  handshake_lost,  ///< a connection that ended or stalled before it could carry a request
  stale,           ///< a kept connection turned out closed before it gave any answer, or a kept TLS session was refused
  unserved,        ///< it waited behind another request, whose connection ended before its turn came
  lost,            ///< a connection broke or stalled in mid-exchange
  garbled,         ///< what came is no answer: malformed, or framed so that it cannot be trusted
  tls_refused,     ///< certificate or protocol not acceptable
  address_refused, ///< the name leads where a public API may not send us
  private_storage, ///< likewise, a private range that an option would allow
  exhausted,       ///< we are out of descriptors or ports
  // the file
  source_missing,
  source_unreadable,
  source_not_regular,
  source_too_large,
  source_changed,
  // us
  cancelled,
};

std::string_view name_of(outcome_kind kind) noexcept;
std::ostream& operator<<(std::ostream& out, outcome_kind kind);

/// What an attempt's end says besides its kind.
struct outcome {
  outcome_kind kind = outcome_kind::lost;
  std::optional<millis> retry_after{}; ///< what the server asked for
  bool fresh_connection = false;       ///< it was made for this attempt, and gave no byte of an answer
  bool of_this_request = false;        ///< rejected for what this one request says (400, 413), not for where it went
  /// How old the ticket was by the server's own clock, where the answer to a PUT had a Date. Ours stands still while
  /// the machine sleeps.
  std::optional<millis> ticket_age{};

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// The server said something that a server says, not whoever stands before it.
constexpr bool is_answer(outcome_kind kind) noexcept {
  return kind < outcome_kind::unreachable && kind != outcome_kind::unavailable && kind != outcome_kind::gateway;
}

/// The request never left: nothing of it was sent to anybody.
constexpr bool never_left(outcome_kind kind) noexcept {
  using enum outcome_kind;
  return kind == unreachable || kind == handshake_lost || kind == unserved || kind == tls_refused ||
         kind == address_refused || kind == private_storage || kind == exhausted ||
         (kind >= source_missing && kind <= source_too_large);
}

} // namespace hoist::core
