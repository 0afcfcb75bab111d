#pragma once

// What lets the next connection to a host resume a TLS session instead of proving everything anew: the latest ticket of
// each host that a connection of this uploader has verified. Kept in memory only.

#include <openssl/types.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>

using SSL_SESSION = struct ssl_session_st; // as in openssl/ssl.h, which is too large to include here

namespace hoist::net {

class tls_tickets {
 public:
  /// Has `ctx` hand its tickets to the places that `prepare` names.
  static void collect_from(SSL_CTX* ctx) noexcept;

  /// Offers the ticket that there is for `host`, and has those that come on this connection kept for it. The peer's
  /// name must be verified as `host` when there is none to offer. Lifetime: this outlives `s`. Any thread. Returns
  /// whether a ticket was offered.
  bool prepare(SSL* s, const std::string& host);
  /// The handshake of `s`, which offered one, has failed: the next begins from nothing.
  static void forget(SSL* s) noexcept;

 private:
  struct session_free {
    void operator()(SSL_SESSION* s) const noexcept;
  };
  using session = std::unique_ptr<SSL_SESSION, session_free>;

  struct place {
    std::mutex mutex;
    session latest;
  };

  static constexpr std::size_t places_max = 256; ///< storages that have a name for each file are not worth it

  static int arrived(SSL* s, SSL_SESSION* ticket);

  place* place_of(const std::string& host);

  std::mutex mutex_;
  std::map<std::string, place> places_; ///< by host; a connection holds the address of its place
};

} // namespace hoist::net
