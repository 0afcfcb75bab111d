#include "net/tls_context.hpp"

#include <hoist/error.hpp>

#include <boost/system/system_error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <new>

namespace hoist::net {

namespace {

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown reason";
}

[[noreturn]] void fail(const std::string& what) {
  throw boost::system::system_error(make_error_code(errc::invalid_options), what + ": " + last_reason());
}

bool is_ip_literal(const std::string& host) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, host.c_str(), bytes) == 1 || inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// HTTP/1.1 only, as a length-prefixed protocol list.
constexpr unsigned char alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// AES-128 first: a sixth cheaper than AES-256 in the cipher, and as safe as the rest of the handshake.
constexpr const char* suites_13 = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* suites_12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

} // namespace

void tls_context::ctx_free::operator()(SSL_CTX* c) const noexcept {
  SSL_CTX_free(c);
}
void tls_context::ssl_free::operator()(SSL* s) const noexcept {
  SSL_free(s);
}

tls_context::tls_context(const tls_options& o)
    : ctx_(SSL_CTX_new(TLS_client_method())), may_offload_(o.offload == tls_offload::automatic) {
  if (!ctx_) fail("TLS cannot be set up");
  SSL_CTX* ctx = ctx_.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  if (SSL_CTX_set_ciphersuites(ctx, suites_13) != 1 || SSL_CTX_set_cipher_list(ctx, suites_12) != 1)
    fail("TLS suites are not available");
  SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  tls_tickets::collect_from(ctx);
  // Record buffers are kept between writes: giving them back would cost an allocation per write, and 256 connections
  // hold only 8 MiB of them.
  SSL_CTX_clear_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_default_verify_paths(ctx); // honours SSL_CERT_FILE and SSL_CERT_DIR; an empty store is no error
  ERR_clear_error();
  for (const auto& file : o.ca_files)
    if (SSL_CTX_load_verify_file(ctx, file.c_str()) != 1) fail("tls.ca_files: cannot read " + file.string());
}

tls_context::session tls_context::new_session(const std::string& host, bool& resumes) const {
  session s(SSL_new(ctx_.get()));
  if (!s) throw std::bad_alloc();
  SSL_set_connect_state(s.get());
  if (is_ip_literal(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s.get()), host.c_str());
  } else {
    SSL_set_tlsext_host_name(s.get(), host.c_str());
    SSL_set_hostflags(s.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(s.get(), host.c_str());
  }
  resumes = tickets_.prepare(s.get(), host);
  return s;
}

} // namespace hoist::net
