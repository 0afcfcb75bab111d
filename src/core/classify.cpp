#include "core/classify.hpp"

#include <algorithm>
#include <array>

namespace hoist::core {

namespace {

using enum outcome_kind;

struct code_row {
  std::string_view code;
  outcome_kind kind;
};

// S3's codes whose class differs from their status's. Sorted by nothing: twenty short strings, met on errors only.
constexpr std::array storage_codes{
    code_row{"SlowDown", throttled},
    code_row{"SlowDownWrite", throttled},
    code_row{"TooManyRequests", throttled},
    code_row{"RequestTimeout", transient}, // 400: the body came too slowly, or short
    code_row{"IncompleteBody", transient}, // 400: likewise
    code_row{"InternalError", transient},
    code_row{"ServiceUnavailable", transient},
    code_row{"OperationAborted", transient},           // 409
    code_row{"ConditionalRequestConflict", transient}, // 409
    code_row{"BadDigest", digest_mismatch},            // 400
    code_row{"XAmzContentSHA256Mismatch", digest_mismatch},
    code_row{"XAmzContentChecksumMismatch", digest_mismatch},
    code_row{"ExpiredToken", refused}, // 400: the signer's credentials ended before the URL did
    code_row{"InvalidToken", refused}, // 400
    code_row{"ExpiredRequest", refused},
    code_row{"RequestTimeTooSkewed", refused},
    code_row{"SignatureDoesNotMatch", refused},
    code_row{"AccessDenied", refused},
    code_row{"PermanentRedirect", refused},
    code_row{"TemporaryRedirect", refused},
};

outcome_kind by_status(int status) noexcept {
  if (status == 429 || status == 507) return throttled; // 507: full, which somebody must mend first
  if (status == 408 || status == 499 || status >= 500) return transient;
  return rejected;
}

} // namespace

std::optional<outcome_kind> classify_presign(int http_status) noexcept {
  if (http_status == 200) return std::nullopt;
  if (http_status == 401) return key_refused;
  if (http_status > 200 && http_status < 300) return malformed; // the contract knows no other success
  return by_status(http_status);
}

std::optional<outcome_kind> classify_put(int http_status, std::string_view storage_code) noexcept {
  if (http_status == 200) return std::nullopt;
  // MinIO's way to say SlowDown; with 400 the same code means that the body came too slowly.
  if (http_status == 503 && storage_code == "RequestTimeout") return throttled;
  const auto known = std::ranges::find(storage_codes, storage_code, &code_row::code);
  if (known != storage_codes.end()) return known->kind;
  if (http_status == 401 || http_status == 403) return refused;
  if (http_status >= 300 && http_status < 400) return refused; // never followed; a new URL may name the right host
  if (http_status == 501) return rejected;                     // NotImplemented will not be implemented by waiting
  if (http_status > 200 && http_status < 300) return transient; // not the 200 that makes a file live
  return by_status(http_status);
}

} // namespace hoist::core
