#include "net/tls_tickets.hpp"

#include <openssl/ssl.h>

#include <utility>

namespace hoist::net {

void tls_tickets::session_free::operator()(SSL_SESSION* s) const noexcept {
  SSL_SESSION_free(s);
}

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

tls_tickets::place* tls_tickets::place_of(const std::string& host) {
  const std::lock_guard lock(mutex_);
  if (places_.size() < places_max) return &places_[host];
  const auto found = places_.find(host);
  return found == places_.end() ? nullptr : &found->second;
}

bool tls_tickets::prepare(SSL* s, const std::string& host) {
  place* const where = place_of(host);
  SSL_set_app_data(s, where);
  if (where == nullptr) return false;
  const std::lock_guard lock(where->mutex);
  if (!where->latest) return false;
  const session offered(SSL_SESSION_dup(where->latest.get()));
  return offered && SSL_set_session(s, offered.get()) == 1;
}

void tls_tickets::forget(SSL* s) noexcept {
  auto* const where = static_cast<place*>(SSL_get_app_data(s));
  if (where == nullptr) return;
  const std::lock_guard lock(where->mutex);
  where->latest.reset();
}

} // namespace hoist::net
