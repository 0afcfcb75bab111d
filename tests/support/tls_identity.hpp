#pragma once

// A certificate and its key, made on the spot, for fake peers that speak TLS.

#include <openssl/types.h>

#include <memory>
#include <string>

namespace hoist::test {

struct ssl_free {
  void operator()(X509* x) const noexcept;
  void operator()(EVP_PKEY* k) const noexcept;
  void operator()(SSL_CTX* c) const noexcept;
  void operator()(SSL* s) const noexcept;
};

struct tls_identity {
  std::unique_ptr<X509, ssl_free> certificate;
  std::unique_ptr<EVP_PKEY, ssl_free> key;
  std::string pem; ///< of the certificate, which is its own trust anchor

  /// `names` as in a subjectAltName: "DNS:localhost,IP:127.0.0.1". Valid from `begin` to `end`, in seconds from now.
  static tls_identity make(const std::string& names = "DNS:localhost,IP:127.0.0.1", long begin = -3600,
                           long end = 3600);

  /// `protocol`: the only version to speak, e.g. TLS1_1_VERSION; 0 for all of them.
  std::unique_ptr<SSL_CTX, ssl_free> server_context(int protocol = 0) const;
};

} // namespace hoist::test
