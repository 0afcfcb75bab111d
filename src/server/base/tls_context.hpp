// The one TLS configuration of the server. Shared by all threads: OpenSSL counts the references itself.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace hoist::server {

struct free_tls_context {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using tls_context = std::unique_ptr<SSL_CTX, free_tls_context>;

struct tls_settings {
  std::filesystem::path certificate; // the leaf, then what leads to the CA
  std::filesystem::path key;
  std::string suite; // a TLS 1.3 suite by its name, or empty for OpenSSL's order
};

// Throws std::runtime_error naming the file or the suite.
[[nodiscard]] tls_context make_tls_context(const tls_settings& settings);

} // namespace hoist::server
