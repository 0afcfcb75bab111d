#pragma once

// Notices when the API gives one id or one URL to two files, of which the second would overwrite the first. Shared by
// all shards and without a lock: a table of fixed size in which newer tickets replace older ones, so that memory does
// not grow with the number of files. Two tickets far apart (beyond some 65 000) may pass; two that differ are never
// taken for equal, but for a chance of one in 2^64.

#include "wire/presign.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace hoist::engine {

class ticket_registry {
 public:
  /// Any thread. False when the id or the public URL has been seen before. (Not the URL to PUT to: what tells one
  /// object from another may be anywhere in it.)
  bool is_new(const wire::ticket& t) noexcept {
    const bool new_id = enter(std::hash<std::string_view>{}(t.id));
    const bool new_url = enter(std::hash<std::string_view>{}(t.public_url));
    return new_id && new_url;
  }

 private:
  static constexpr std::size_t slots = std::size_t{1} << 17;
  using table = std::array<std::atomic<std::uint64_t>, slots>;

  bool enter(std::uint64_t hash) noexcept {
    return (*seen_)[hash % slots].exchange(hash, std::memory_order_relaxed) != hash;
  }

  std::unique_ptr<table> seen_ = std::make_unique<table>();
};

} // namespace hoist::engine
