#pragma once

// MD5 digests of many messages at once, on one thread. One digest alone is bound by its own latency (0.8 GB/s); the
// blocks of several are worked on side by side, up to sixteen of them in about the time of two.
//
// How to use it: one `md5_lanes` for a thread, an `md5` for each message under way. What `update` is given is copied
// and waits until there is enough company, so whoever feeds it gives others a turn while `waits()`; `value()` never
// waits for anybody. A digest that is alone is worked on at once, without copying.

#include "digest/md5_kernels.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace hoist::digest {

class md5;

/// What the digests of one thread share. Memory: nothing before the first digest is made, then a slot for each lane, at
/// most 2.1 MB in all, however many digests there are; pages of it that small messages never reach are never there.
/// Threads: one. Lifetime: outlives its digests.
class md5_lanes {
 public:
  explicit md5_lanes(const md5_kernels& with = *md5_kernels_here().back()) noexcept;
  md5_lanes(const md5_lanes&) = delete;
  md5_lanes& operator=(const md5_lanes&) = delete;

  /// How full the lanes were: `blocks` of 64 bytes were digested in passes that had room for `rooms`; `alone` of them
  /// had no company.
  struct tallies {
    std::uint64_t blocks = 0, rooms = 0, alone = 0;
  };
  const tallies& counted() const noexcept { return counted_; }

 private:
  friend class md5;

  std::span<md5* const> waiting() const noexcept { return {waiting_.data(), waiting_count_}; }
  std::size_t lanes() const noexcept { return kernels_.by_lanes.back().lanes; }
  void make_slots();
  unsigned char* join(md5& d) noexcept;
  void leave(md5& d) noexcept;
  bool full() const noexcept { return waiting_count_ == lanes(); }
  /// Of those that could be in the lanes a quarter is not. (Half, or all but one: dearer, by 8 % and where nobody is
  /// slow.)
  bool sparse() const noexcept { return 4 * waiting_count_ < 3 * std::min(open_, lanes()); }
  void pass() noexcept;

  const md5_kernels& kernels_;
  std::array<md5*, md5_lanes_max> waiting_{}; ///< each has a slot with a whole block or more
  std::size_t waiting_count_ = 0;
  std::size_t open_ = 0; ///< digests that have begun and not ended
  std::unique_ptr<unsigned char[]> slots_;
  std::array<unsigned char*, md5_lanes_max> free_slots_{}; ///< the first lanes() - waiting_count_ are
  tallies counted_;
};

/// One digest. Stays where it is made: the lanes know its address.
class md5 {
 public:
  explicit md5(md5_lanes& lanes);
  ~md5() { restart(); }
  md5(const md5&) = delete;
  md5& operator=(const md5&) = delete;

  /// Forgets what there was: the digest of another message begins.
  void restart() noexcept;
  /// The next piece, and more may come. Precondition: not finished.
  void update(std::span<const char> piece) noexcept;
  /// The last piece, perhaps empty; when finished already, nothing.
  void finish(std::span<const char> piece = {}) noexcept;
  /// Pieces wait for those of other digests.
  bool waits() const noexcept { return slot_ != nullptr; }
  /// A piece of `bytes` would have the lanes run now, a quarter of them or more empty: in a moment others may have
  /// come.
  bool lacks_company(std::size_t bytes) const noexcept { return slot_ != nullptr && !fits(bytes) && lanes_.sparse(); }
  /// Of everything; finishes.
  std::array<unsigned char, 16> value() noexcept;

 private:
  friend class md5_lanes;

  bool fits(std::size_t bytes) const noexcept;
  std::size_t whole_blocks() const noexcept { return (end_ - begin_) / md5_block_bytes; }
  void append(std::span<const unsigned char> piece) noexcept;
  void append_some(std::span<const unsigned char> piece) noexcept;
  void take(std::span<const unsigned char> blocks) noexcept;
  void absorb(std::span<const unsigned char> piece) noexcept;
  void leave_slot() noexcept;

  md5_lanes& lanes_;
  std::array<std::uint32_t, 4> state_;
  std::uint64_t bytes_ = 0;
  bool open_ = false, finished_ = false;
  unsigned char* slot_ = nullptr;
  std::size_t begin_ = 0, end_ = 0; ///< what waits in the slot, its last block perhaps incomplete
  std::size_t rest_bytes_ = 0;      ///< without a slot: an incomplete block
  std::array<unsigned char, md5_block_bytes> rest_;
};

} // namespace hoist::digest
