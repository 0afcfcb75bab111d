// The body of POST /v1/upload/presign: what it asks for, or why it is refused. Holds no state but the JSON parser's
// memory, which is kept because a presign must stay cheap.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <simdjson.h>

namespace hoist::server {

inline constexpr std::size_t presign_body_bytes_max = 64 * 1024;
inline constexpr std::int64_t retention_seconds_min = 60;
inline constexpr std::int64_t retention_seconds_max = 31'536'000;

struct presign_fields {
  std::string content_type;
  std::optional<std::chrono::seconds> retention; // expires_in_seconds
};

struct presign_refusal {
  std::string message; // goes out with status 400
};

class presign_reader {
 public:
  [[nodiscard]] std::variant<presign_fields, presign_refusal> read(std::string_view body);

 private:
  simdjson::dom::parser parser_;
};

// type/subtype with optional parameters, all visible ASCII: what can be signed as a header value and sent back.
[[nodiscard]] bool is_media_type(std::string_view text) noexcept;

} // namespace hoist::server
