// SHA-256, HMAC-SHA-256 and the running digest of an upload, over OpenSSL. The algorithms are fetched once: in OpenSSL
// 3 a fetch costs more than hashing a small message.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <openssl/evp.h>

namespace hoist::server {

using md5_value = std::array<std::uint8_t, 16>;
using sha256_value = std::array<std::uint8_t, 32>;

[[nodiscard]] sha256_value sha256(std::string_view text);
[[nodiscard]] sha256_value hmac_sha256(std::span<const std::uint8_t> key, std::string_view text);
void fill_random(std::span<std::uint8_t> bytes);

enum class digest_kind { none, md5, sha256 };

// What is computed while a body arrives. `sha256` means both: the ETag stays an MD5, as S3's is.
class running_digest {
 public:
  explicit running_digest(digest_kind kind);
  void update(std::span<const char> bytes);

  [[nodiscard]] bool has_md5() const noexcept { return md5_ != nullptr; }
  [[nodiscard]] bool has_sha256() const noexcept { return sha256_ != nullptr; }
  [[nodiscard]] md5_value md5();
  [[nodiscard]] sha256_value sha256();

 private:
  struct free_context {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
  };
  using context = std::unique_ptr<EVP_MD_CTX, free_context>;
  static context started(const EVP_MD* algorithm);

  context md5_;
  context sha256_;
};

} // namespace hoist::server
