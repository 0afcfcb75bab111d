#include "cli/base/name_hash.hpp"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <cstring>
#include <stdexcept>

namespace hoist::cli {

namespace {

name_hash::key drawn_key() {
  name_hash::key k{};
  if (RAND_bytes(k.data(), static_cast<int>(k.size())) != 1) throw std::runtime_error("OpenSSL has no random bytes");
  return k;
}

[[noreturn]] void fail() {
  throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

} // namespace

void name_hash::free_context::operator()(evp_md_ctx_st* c) const {
  EVP_MD_CTX_free(c);
}

name_hash::name_hash() : name_hash(drawn_key()) {}

name_hash::name_hash(const key& k) : keyed_(EVP_MD_CTX_new()), used_(EVP_MD_CTX_new()) {
  if (!keyed_ || !used_ || EVP_DigestInit_ex(keyed_.get(), EVP_sha256(), nullptr) != 1 ||
      EVP_DigestUpdate(keyed_.get(), k.data(), k.size()) != 1)
    fail();
}

std::uint64_t name_hash::operator()(std::string_view name) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  if (EVP_MD_CTX_copy_ex(used_.get(), keyed_.get()) != 1 ||
      EVP_DigestUpdate(used_.get(), name.data(), name.size()) != 1 ||
      EVP_DigestFinal_ex(used_.get(), digest.data(), nullptr) != 1)
    fail();
  std::uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

} // namespace hoist::cli
