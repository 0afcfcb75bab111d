#include "core/base/classify.hpp"

#include <algorithm>
#include <array>

namespace hoist::core {

namespace {

using enum outcome_kind;

struct code_row {
  std::string_view code;
  outcome_kind kind;
};

// The storages' codes whose class differs from their status's. Sorted by nothing: some short strings, met on errors
// only.
constexpr std::array storage_codes{
    code_row{"SlowDown", throttled},
    code_row{"SlowDownWrite", throttled},
    code_row{"SlowDownRead", throttled},
    code_row{"TooManyRequests", throttled},
    code_row{"Throttling", throttled},
    code_row{"ThrottlingException", throttled},
    code_row{"RequestThrottled", throttled},
    code_row{"RequestLimitExceeded", throttled},
    code_row{"BandwidthLimitExceeded", throttled},
    code_row{"ServerBusy", throttled},     // 503, Azure's SlowDown
    code_row{"RequestTimeout", transient}, // 400: the body came too slowly, or short
    code_row{"IncompleteBody", transient}, // 400: likewise
    code_row{"InternalError", transient},
    code_row{"ServiceUnavailable", transient},         // with 503: unavailable
    code_row{"OperationAborted", transient},           // 409
    code_row{"ConditionalRequestConflict", transient}, // 409
    code_row{"BadDigest", digest_mismatch},            // 400
    code_row{"XAmzContentSHA256Mismatch", digest_mismatch},
    code_row{"XAmzContentChecksumMismatch", digest_mismatch},
    code_row{"ExpiredToken", refused},         // 400: the signer's credentials ended before the URL did
    code_row{"InvalidToken", refused},         // 400
    code_row{"TokenRefreshRequired", refused}, // 400
    code_row{"ExpiredRequest", refused},
    code_row{"RequestTimeTooSkewed", refused},
    code_row{"SignatureDoesNotMatch", refused},
    code_row{"AccessDenied", refused},
    code_row{"PermanentRedirect", refused},
    code_row{"TemporaryRedirect", refused},
};

outcome_kind by_status(int status) noexcept {
  switch (status) {
  case 429:
  case 507: // full, which somebody must mend first
  case 509: // the bandwidth that was paid for is used up
  case 529: // overloaded, as some front ends say it
    return throttled;
  case 503: return unavailable;
  case 502:
  case 504:
  case 521: // Cloudflare's words for the same: down, no connection, no route, no address
  case 522:
  case 523:
  case 530: return gateway;
  case 408:
  case 421: // this connection leads to the wrong server; another may not
  case 425: // came too early in a TLS session
  case 499: // a proxy gave up on its client, which is the one before us
    return transient;
  case 501: // neither is implemented by waiting
  case 505: return rejected;
  default: return status >= 500 ? transient : rejected;
  }
}

bool is_success(int status) noexcept {
  return status >= 200 && status < 300;
}

} // namespace

std::optional<outcome_kind> classify_presign(int http_status) noexcept {
  if (is_success(http_status)) return std::nullopt;
  if (http_status == 401) return key_refused;
  return by_status(http_status);
}

std::optional<outcome_kind> classify_put(int http_status, std::string_view storage_code) noexcept {
  if (is_success(http_status)) return std::nullopt;
  // MinIO's way to say SlowDown; with 400 the same code means that the body came too slowly.
  if (http_status == 503 && storage_code == "RequestTimeout") return throttled;
  // The sentence of whatever stands before a storage that is away, also where it speaks S3's language.
  if (http_status == 503 && storage_code == "ServiceUnavailable") return unavailable;
  const auto known = std::ranges::find(storage_codes, storage_code, &code_row::code);
  if (known != storage_codes.end()) return known->kind;
  if (http_status == 401 || http_status == 403) return refused;
  if (http_status >= 300 && http_status < 400) return refused; // never followed; a new URL may name the right host
  return by_status(http_status);
}

} // namespace hoist::core
