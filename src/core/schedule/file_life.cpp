#include "core/schedule/file_life.hpp"

#include "core/base/limits.hpp"

#include <ostream>

namespace hoist::core {

namespace {

constexpr step retry{next_step::retry};

constexpr step failed(errc cause) noexcept {
  return {next_step::fail, cause};
}

} // namespace

step file_life::after(const attempt_end& end) noexcept {
  using enum outcome_kind;
  const auto kind = end.why.kind;
  if (kind != garbled) garbled_ = 0;
  switch (kind) {
  case throttled:
  case transient: return retry;
  // Taken and dropped by a host that answers on other connections: a limit of those. Or this file's doing, if it goes
  // on.
  case lost:
    if (!end.why.fresh_connection || !end.host_alive || ++dropped_ > limits::dropped_max) return retry;
    return {next_step::reconnect};
  case unavailable:
  case gateway: return end.host_away ? step{next_step::in_turn} : retry;
  case garbled:
    if (++garbled_ < limits::garbled_max) return retry;
    return failed(end.putting ? errc::storage_malformed : errc::presign_malformed);
  // A host that answers others takes no more connections; it is not this file's failure.
  case handshake_lost:
    if (end.host_alive) return {next_step::reconnect};
    return end.host_away ? step{next_step::in_turn} : retry;
  // Behind the others where it is away: the next probe goes with another file, whose ticket may lead somewhere else.
  case unreachable: return {end.host_alive ? next_step::reconnect : next_step::in_turn};
  case unserved: return {next_step::again};
  case exhausted: return {next_step::shortage};
  case stale:
    if (free_retry_used_) return retry;
    free_retry_used_ = true;
    return {next_step::again};
  case refused: return end.putting ? after_refusal(end) : failed(errc::presign_rejected);
  case digest_mismatch: return ++mismatches_ > limits::mismatches_max ? failed(errc::digest_mismatch) : retry;
  case source_changed: return ++changes_ > limits::changes_max ? failed(errc::source_changed) : retry;
  case rejected: return failed(end.putting ? errc::storage_rejected : errc::presign_rejected);
  case malformed: return failed(errc::presign_malformed);
  case header_refused: return failed(errc::header_refused);
  case url_refused: return failed(errc::url_refused);
  case address_refused: return failed(errc::address_refused);
  case source_missing: return failed(errc::source_missing);
  case source_unreadable: return failed(errc::source_unreadable);
  case source_not_regular: return failed(errc::source_not_regular);
  case source_too_large: return failed(errc::source_too_large);
  case key_refused: return failed(errc::key_refused);
  case tls_refused: return failed(errc::tls_refused);
  case private_storage: return failed(errc::private_storage);
  case cancelled: return {next_step::abandon};
  }
  return retry;
}

step file_life::after_refusal(const attempt_end& end) noexcept {
  if (end.ticket_lapsed)
    return ++late_refusals_ > limits::lapses_max ? failed(errc::ticket_lapsed) : step{next_step::new_ticket};
  return ++refusals_ > limits::refusals_max ? failed(errc::storage_refused) : step{next_step::new_ticket};
}

bool file_life::may_renew_lapsed() noexcept {
  return ++lapses_ <= limits::lapses_max;
}

bool file_life::may_renew_dead() noexcept {
  return ++dead_tickets_ <= limits::dead_tickets_max;
}

std::ostream& operator<<(std::ostream& out, const step& s) {
  static constexpr std::string_view names[] = {"retry",      "again",    "in_turn", "reconnect",
                                               "new_ticket", "shortage", "fail",    "abandon"};
  out << names[static_cast<int>(s.what)];
  if (s.what == next_step::fail) out << '(' << name_of(s.cause) << ')';
  return out;
}

} // namespace hoist::core
