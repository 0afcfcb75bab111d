#pragma once

// Names by eight bytes each, where there are too many to keep. The hash is keyed, with a key that is drawn when the
// program runs: who chooses the names cannot choose two that are taken for one, of which the second would be left out.
// By chance two of a million names are taken for one in one run of 30 million.

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

struct evp_md_ctx_st;

namespace hoist::cli {

/// The beginning of SHA-256 of the key and the name; a length that is not told cannot be appended to. (Not SipHash,
/// which an OpenSSL that keeps to FIPS does not have.) One thread at a time.
class name_hash {
 public:
  using key = std::array<unsigned char, 32>;

  /// With a key that nobody knows. Throws std::runtime_error when there is none to be had, or no SHA-256.
  name_hash();
  explicit name_hash(const key& k);

  std::uint64_t operator()(std::string_view name) const;

 private:
  struct free_context {
    void operator()(evp_md_ctx_st* c) const;
  };
  using context = std::unique_ptr<evp_md_ctx_st, free_context>;

  context keyed_; ///< has the key in it
  context used_;  ///< its copy, for one name
};

} // namespace hoist::cli
