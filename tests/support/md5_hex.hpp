#pragma once

// The MD5 of a text by OpenSSL, which has nothing to do with ours.

#include <openssl/evp.h>

#include <string>
#include <string_view>

namespace hoist::test {

inline std::string md5_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_md5(), nullptr);
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 0xf];
  }
  return text;
}

} // namespace hoist::test
