// POST /v1/upload/presign: checks, a fresh id, a signed URL, the JSON answer. One per thread, no sockets, no clock.
#pragma once

#include <optional>
#include <string>

#include "server/api/options.hpp"
#include "server/api/presign_request.hpp"
#include "server/http/http_message.hpp"
#include "server/storage/sigv4.hpp"

namespace hoist::server {

struct origins {
  std::string api;     // https://127.0.0.1:8443
  std::string storage; // the same, or one of its own
};

// Everything the API decides from the head alone: method and key. The key's bytes never reach a log.
[[nodiscard]] std::optional<reply> refuse_presign_head(const request_head& head, std::string_view api_key);
[[nodiscard]] std::optional<reply> refuse_key(const request_head& head, std::string_view api_key);

class presign_api {
 public:
  presign_api(const server_options& options, const origins& where, signing_keys& keys)
      : options_(&options), origins_(&where), keys_(&keys) {}

  void answer(std::string_view body, unix_time now, reply& into);
  // Of the last request that was answered with a ticket.
  [[nodiscard]] const std::string& content_type() const noexcept { return content_type_; }

 private:
  void write_ticket(const presign_fields& wanted, unix_time now, reply& into);

  const server_options* options_;
  const origins* origins_;
  signing_keys* keys_;
  presign_reader reader_;
  std::string content_type_;
};

} // namespace hoist::server
