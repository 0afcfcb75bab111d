#pragma once

// How an exchange can break below HTTP. What follows from it is decided elsewhere.

#include "net/types.hpp"

#include <cstdint>
#include <string>

namespace hoist::net {

enum class failure_kind : std::uint8_t {
  none,
  resolve,         ///< the name has no address
  connect,         ///< no address accepted in time
  handshake,       ///< the connection broke, or went silent, during TLS
  session_refused, ///< the peer would not go on with a TLS session it had given; without it, it may
  certificate,     ///< the peer's certificate does not verify
  tls_protocol,    ///< no common protocol, or not TLS at all
  address_refused, ///< the address is one that we may not connect to
  private_storage, ///< likewise, and an option would allow it
  closed,          ///< closed by the peer before the first byte of an answer
  unserved,        ///< the connection ended while another request was before it in line
  broken,          ///< reset or closed in mid-exchange
  timed_out,       ///< what came after the handshake took longer than its limit
  bad_response,    ///< the answer is no HTTP we accept
  no_resources,    ///< out of descriptors or ports
  cancelled,
};

struct failure {
  failure_kind kind = failure_kind::none;
  std::string text; ///< our words, the system's reason included; no secret

  explicit operator bool() const noexcept { return kind != failure_kind::none; }
};

/// What a connection is doing, for whoever keeps the time: `moves` changes whenever anything moved.
enum class stage : std::uint8_t { idle, connecting, handshaking, sending, awaiting };

struct activity {
  stage at = stage::idle;
  std::uint32_t moves = 0;
  std::uint64_t body_bytes = 0; ///< handed to the kernel since the connection's owner was made

  void enter(stage next) noexcept {
    at = next;
    ++moves;
  }
};

} // namespace hoist::net
