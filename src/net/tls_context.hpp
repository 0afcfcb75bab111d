#pragma once

// OpenSSL's configuration for one uploader: trust, protocol, suites. Verification cannot be switched off.

#include "net/tls_tickets.hpp"

#include <hoist/options.hpp>

#include <openssl/types.h>

#include <memory>
#include <string>

namespace hoist::net {

class tls_context {
 public:
  /// Throws boost::system::system_error naming the file when a trust anchor cannot be read.
  explicit tls_context(const tls_options& o);

  /// A new client session for `host`, which the peer's certificate must name. `host` may be an IP address.
  struct ssl_free {
    void operator()(SSL* s) const noexcept;
  };
  using session = std::unique_ptr<SSL, ssl_free>;
  /// `resumes`: it offers to resume one that the host knows.
  session new_session(const std::string& host, bool& resumes) const;

  /// Whether the kernel may be asked to encrypt.
  bool may_offload() const noexcept { return may_offload_; }

 private:
  struct ctx_free {
    void operator()(SSL_CTX* c) const noexcept;
  };
  std::unique_ptr<SSL_CTX, ctx_free> ctx_;
  bool may_offload_;
  mutable tls_tickets tickets_;
};

} // namespace hoist::net
