#pragma once

// The details beside an error_code. Ours and the server's words are kept apart; no secret and no signed URL is ever in
// either.

#include <cstdint>
#include <string>
#include <string_view>

namespace hoist {

/// Where in a file's life the last failure happened; the name in a row's `error.phase`.
enum class phase : std::uint8_t { source, presign, connect, put, record, remove };

std::string_view name_of(phase p) noexcept;

struct diagnostics {
  phase where = phase::source;
  int http_status = 0;      ///< of the last answer; 0 when there was none
  std::string storage_code; ///< S3's `<Code>`, e.g. "SlowDown"; empty when none
  std::string request_id;   ///< S3's `x-amz-request-id`; empty when none
  std::string message;      ///< our sentence: what, which limit, the last cause; little of the server's words, escaped
  std::string server_message; ///< at most 256 bytes of the server's words; may hold anything, escape before showing
};

} // namespace hoist
