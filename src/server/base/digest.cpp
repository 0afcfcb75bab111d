#include "server/base/digest.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

#include <openssl/rand.h>

namespace hoist::server {
namespace {

const EVP_MD* fetched(const char* name) {
  const EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  if (algorithm == nullptr) throw std::runtime_error(std::string("OpenSSL offers no ") + name);
  return algorithm;
}

// Kept for the life of the process, so that nothing is released while another thread still hashes.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = fetched("SHA256");
  return algorithm;
}

const EVP_MD* md5_algorithm() {
  static const EVP_MD* const algorithm = fetched("MD5");
  return algorithm;
}

EVP_MD_CTX* scratch() {
  struct owner {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    owner() = default;
    owner(const owner&) = delete;
    owner& operator=(const owner&) = delete;
    ~owner() { EVP_MD_CTX_free(context); }
  };
  thread_local owner mine;
  return mine.context;
}

sha256_value sha256_of_two(std::span<const std::uint8_t> first, std::span<const std::uint8_t> second) {
  sha256_value value{};
  EVP_MD_CTX* context = scratch();
  if (EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) != 1 ||
      EVP_DigestUpdate(context, first.data(), first.size()) != 1 ||
      EVP_DigestUpdate(context, second.data(), second.size()) != 1 ||
      EVP_DigestFinal_ex(context, value.data(), nullptr) != 1) {
    throw std::runtime_error("SHA-256 failed");
  }
  return value;
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace

sha256_value sha256(std::string_view text) {
  return sha256_of_two(bytes_of(text), {});
}

// RFC 2104 spelled out: OpenSSL 3's own MAC object costs several times the two hashes.
sha256_value hmac_sha256(std::span<const std::uint8_t> key, std::string_view text) {
  constexpr std::size_t block = 64;
  std::array<std::uint8_t, block> padded{};
  sha256_value short_key{};
  if (key.size() > block) {
    short_key = sha256_of_two(key, {});
    key = short_key;
  }
  std::copy(key.begin(), key.end(), padded.begin());
  auto inner_pad = padded;
  auto outer_pad = padded;
  for (auto& byte : inner_pad) byte ^= 0x36U;
  for (auto& byte : outer_pad) byte ^= 0x5CU;
  const auto inner = sha256_of_two(inner_pad, bytes_of(text));
  return sha256_of_two(outer_pad, inner);
}

void fill_random(std::span<std::uint8_t> bytes) {
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) throw std::runtime_error("no random bytes");
}

running_digest::running_digest(digest_kind kind)
    : md5_(kind == digest_kind::none ? nullptr : started(md5_algorithm()))
    , sha256_(kind == digest_kind::sha256 ? started(sha256_algorithm()) : nullptr) {}

running_digest::context running_digest::started(const EVP_MD* algorithm) {
  context fresh(EVP_MD_CTX_new());
  if (!fresh || EVP_DigestInit_ex2(fresh.get(), algorithm, nullptr) != 1) throw std::runtime_error("digest failed");
  return fresh;
}

void running_digest::update(std::span<const char> bytes) {
  if (md5_) EVP_DigestUpdate(md5_.get(), bytes.data(), bytes.size());
  if (sha256_) EVP_DigestUpdate(sha256_.get(), bytes.data(), bytes.size());
}

md5_value running_digest::md5() {
  md5_value value{};
  EVP_DigestFinal_ex(md5_.get(), value.data(), nullptr);
  return value;
}

sha256_value running_digest::sha256() {
  sha256_value value{};
  EVP_DigestFinal_ex(sha256_.get(), value.data(), nullptr);
  return value;
}

} // namespace hoist::server
