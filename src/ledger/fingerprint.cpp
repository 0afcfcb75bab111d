#include "ledger/fingerprint.hpp"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace hoist::ledger {

namespace {

// About 5 ms: nobody notices it at a start, and keys are long random strings to begin with.
constexpr int rounds = 20'000;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

std::string key_fingerprint(std::string_view api_key, std::string_view api_origin) {
  std::array<unsigned char, 16> digest{};
  if (PKCS5_PBKDF2_HMAC(api_key.data(), static_cast<int>(api_key.size()), bytes_of(api_origin),
                        static_cast<int>(api_origin.size()), rounds, EVP_sha256(), static_cast<int>(digest.size()),
                        digest.data()) != 1)
    throw std::runtime_error("OpenSSL cannot compute PBKDF2");
  std::string text;
  for (const unsigned char byte : digest) {
    constexpr char digits[] = "0123456789abcdef";
    text += digits[byte >> 4];
    text += digits[byte & 0xf];
  }
  return text;
}

} // namespace hoist::ledger
