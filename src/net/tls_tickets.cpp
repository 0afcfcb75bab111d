#include "net/tls_tickets.hpp"

#include <openssl/ssl.h>

#include <utility>

namespace hoist::net {

void tls_tickets::session_free::operator()(SSL_SESSION* s) const noexcept { SSL_SESSION_free(s); }

void tls_tickets::collect_from(SSL_CTX* ctx) noexcept {
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(ctx, arrived);
}

// Copies both ways: a session changes while it is used, others may be using it, and a connection that ends without a
// farewell takes its session's worth with it.
int tls_tickets::arrived(SSL* s, SSL_SESSION* ticket) {
  auto* const where = static_cast<place*>(SSL_get_app_data(s));
  if (where == nullptr || SSL_SESSION_is_resumable(ticket) == 0) return 0;
  session kept(SSL_SESSION_dup(ticket));
  const std::lock_guard lock(where->mutex);
  where->latest = std::move(kept);
  return 0; // `ticket` stays OpenSSL's
}

void tls_tickets::prepare(SSL* s, const std::string& host) {
  place* where = nullptr;
  {
    const std::lock_guard lock(mutex_);
    where = &places_[host];
  }
  SSL_set_app_data(s, where);
  const std::lock_guard lock(where->mutex);
  if (!where->latest) return;
  const session offered(SSL_SESSION_dup(where->latest.get()));
  if (offered) SSL_set_session(s, offered.get());
}

} // namespace hoist::net
