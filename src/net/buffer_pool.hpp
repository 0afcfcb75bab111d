#pragma once

// Memory for one thread's send and receive paths. A block is borrowed while its bytes wait for the kernel; the most
// recently returned one is lent first, since it is still in the cache.

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace hoist::net {

constexpr std::size_t tls_record_bytes_max = 16 * 1024;

/// Plaintext per batch: sixteen full records. Of the sizes from 16 KiB to 512 KiB the cheapest per byte (bench,
/// "batch"); whole uploads of 100 MB took 0.93 of the CPU time that they took with batches of 64 KiB, those of 256 KB
/// 0.86.
constexpr std::size_t batch_bytes = 16 * tls_record_bytes_max;
/// Where a large one would do harm: see buffer_pool::batch_limit and digest/md5_lanes.
constexpr std::size_t small_batch_bytes = 4 * tls_record_bytes_max;
/// A head comes in front of the first batch.
constexpr std::size_t head_bytes_max = 32 * 1024;
/// Per record at most: 5 header, 8 explicit nonce (TLS 1.2), 1 inner type, 16 tag, and alerts or key updates once.
constexpr std::size_t sealing_overhead = ((batch_bytes + head_bytes_max) / tls_record_bytes_max + 2) * 64 + 1024;
constexpr std::size_t block_bytes = batch_bytes + head_bytes_max + sealing_overhead;

class buffer_pool {
 public:
  using block = std::unique_ptr<char[]>;

  block borrow() {
    ++lent_;
    if (free_.empty()) return block(new char[block_bytes]); // not value-initialised on purpose
    block last = std::move(free_.back());
    free_.pop_back();
    return last;
  }

  void give_back(block b) {
    --lent_;
    if (free_.size() < large_blocks_max) free_.push_back(std::move(b));
  }

  /// How much plaintext to put into the next batch. Many connections whose peers take nothing hold a block each: from
  /// the sixty-fourth on they touch a third of it only, so that a thousand of them hold some 100 MB and not 300; and as
  /// many are kept when they come back.
  std::size_t batch_limit() const noexcept { return lent_ < large_blocks_max ? batch_bytes : small_batch_bytes; }

  /// For plaintext that is sealed before anything else runs on this thread.
  std::span<char> plaintext() noexcept { return {plaintext_.get(), batch_bytes + head_bytes_max}; }
  /// For ciphertext just received, consumed before anything else runs on this thread.
  std::span<char> incoming() noexcept { return {incoming_.get(), incoming_bytes}; }

 private:
  static constexpr std::size_t incoming_bytes = 32 * 1024;
  static constexpr std::size_t large_blocks_max = 64;
  std::size_t lent_ = 0;
  std::vector<block> free_;
  block plaintext_{new char[batch_bytes + head_bytes_max]};
  block incoming_{new char[incoming_bytes]};
};

} // namespace hoist::net
