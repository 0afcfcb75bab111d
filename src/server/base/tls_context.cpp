#include "server/base/tls_context.hpp"

#include <array>
#include <stdexcept>
#include <string_view>

#include <openssl/err.h>

namespace hoist::server {
namespace {

// Four full TLS records per system call; twice that gained nothing measurable and costs memory on each connection.
constexpr std::size_t read_buffer_bytes = 64 * 1024;

void require(bool good, const std::string& what) {
  if (good) return;
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_peek_last_error(), reason.data(), reason.size());
  throw std::runtime_error(what + ": " + reason.data());
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_length, const unsigned char* offered,
                    unsigned offered_length, void*) {
  static constexpr unsigned char http_1_1[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* match = nullptr;
  const int outcome = SSL_select_next_proto(&match, chosen_length, http_1_1, sizeof http_1_1, offered, offered_length);
  *chosen = match;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

tls_context make_tls_context(const tls_settings& settings) {
  ERR_clear_error();
  tls_context context(SSL_CTX_new(TLS_server_method()));
  require(context != nullptr, "TLS");
  SSL_CTX* raw = context.get();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, read_buffer_bytes);
  // Tickets resume without the server's own cache, which is one lock for all threads.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  constexpr std::string_view session_context = "hoist-server";
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(session_context.data()),
                                 static_cast<unsigned>(session_context.size()));
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  require(settings.suite.empty() || SSL_CTX_set_ciphersuites(raw, settings.suite.c_str()) == 1,
          "--suite '" + settings.suite + "' is no TLS 1.3 suite (try TLS_AES_128_GCM_SHA256)");
  require(SSL_CTX_use_certificate_chain_file(raw, settings.certificate.c_str()) == 1,
          "cannot use the certificate " + settings.certificate.string());
  require(SSL_CTX_use_PrivateKey_file(raw, settings.key.c_str(), SSL_FILETYPE_PEM) == 1,
          "cannot use the key " + settings.key.string());
  require(SSL_CTX_check_private_key(raw) == 1, "certificate and key do not belong together");
  return context;
}

} // namespace hoist::server
