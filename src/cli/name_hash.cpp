#include "cli/name_hash.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
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
  throw std::runtime_error("OpenSSL cannot compute SipHash");
}

} // namespace

void name_hash::free_context::operator()(evp_mac_ctx_st* c) const {
  EVP_MAC_CTX_free(c);
}

name_hash::name_hash() : name_hash(drawn_key()) {}

name_hash::name_hash(const key& k) : key_(k) {
  EVP_MAC* mac = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
  context_.reset(EVP_MAC_CTX_new(mac));
  EVP_MAC_free(mac); // the context holds it
  std::size_t size = sizeof(std::uint64_t);
  const OSSL_PARAM wanted[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  if (!context_ || EVP_MAC_CTX_set_params(context_.get(), wanted) != 1) fail();
}

std::uint64_t name_hash::operator()(std::string_view name) const {
  std::array<unsigned char, sizeof(std::uint64_t)> digest{};
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.data());
  if (EVP_MAC_init(context_.get(), key_.data(), key_.size(), nullptr) != 1 ||
      EVP_MAC_update(context_.get(), bytes, name.size()) != 1 ||
      EVP_MAC_final(context_.get(), digest.data(), &size, digest.size()) != 1 || size != digest.size())
    fail();
  std::uint64_t value = 0;
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

} // namespace hoist::cli
