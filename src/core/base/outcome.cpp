#include "core/base/outcome.hpp"

#include <ostream>

namespace hoist::core {

std::string_view name_of(outcome_kind kind) noexcept {
  switch (kind) {
  case outcome_kind::throttled: return "throttled";
  case outcome_kind::transient: return "transient";
  case outcome_kind::unavailable: return "unavailable";
  case outcome_kind::gateway: return "gateway";
  case outcome_kind::refused: return "refused";
  case outcome_kind::rejected: return "rejected";
  case outcome_kind::key_refused: return "key_refused";
  case outcome_kind::malformed: return "malformed";
  case outcome_kind::header_refused: return "header_refused";
  case outcome_kind::url_refused: return "url_refused";
  case outcome_kind::digest_mismatch: return "digest_mismatch";
  case outcome_kind::unreachable: return "unreachable";
  case outcome_kind::handshake_lost: return "handshake_lost";
  case outcome_kind::stale: return "stale";
  case outcome_kind::unserved: return "unserved";
  case outcome_kind::lost: return "lost";
  case outcome_kind::garbled: return "garbled";
  case outcome_kind::tls_refused: return "tls_refused";
  case outcome_kind::address_refused: return "address_refused";
  case outcome_kind::private_storage: return "private_storage";
  case outcome_kind::exhausted: return "exhausted";
  case outcome_kind::source_missing: return "source_missing";
  case outcome_kind::source_unreadable: return "source_unreadable";
  case outcome_kind::source_not_regular: return "source_not_regular";
  case outcome_kind::source_too_large: return "source_too_large";
  case outcome_kind::source_changed: return "source_changed";
  case outcome_kind::cancelled: return "cancelled";
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, outcome_kind kind) {
  return out << name_of(kind);
}

} // namespace hoist::core
