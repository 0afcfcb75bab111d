#include "digest/md5_lanes.hpp"

#include <algorithm>
#include <utility>

namespace hoist::digest {

namespace {

/// Two of the batches that the send path makes for us: while one waits for company another can come in. Slots of twice
/// to eight times the size could not be told from this one by what an upload costs.
constexpr std::size_t slot_bytes = 2 * 64 * 1024 + md5_block_bytes;
/// Larger pieces are taken in parts.
constexpr std::size_t piece_bytes_max = 96 * 1024;
/// Slots lie so that the same place in all of them falls into different sets of the caches.
constexpr std::size_t slot_stride = slot_bytes + 2 * md5_block_bytes;

constexpr std::array<std::uint32_t, 4> initial_state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

std::span<const unsigned char> bytes_of(std::span<const char> text) noexcept {
  return {reinterpret_cast<const unsigned char*>(text.data()), text.size()};
}

void put_little_endian(unsigned char* to, std::uint64_t value, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<unsigned char>(value >> 8 * i);
}

} // namespace

// ---- lanes ------------------------------------------------------------------------------------------------------

md5_lanes::md5_lanes(const md5_kernels& with) noexcept : kernels_(with) {}

/// Before the first digest is made there is nothing: most threads never make one.
void md5_lanes::make_slots() {
  if (slots_) return;
  slots_ = std::make_unique_for_overwrite<unsigned char[]>(lanes() * slot_stride);
  for (std::size_t i = 0; i < lanes(); ++i) free_slots_[i] = slots_.get() + i * slot_stride;
}

/// Precondition: not full, which every call leaves behind.
unsigned char* md5_lanes::join(md5& d) noexcept {
  unsigned char* const slot = free_slots_[lanes() - waiting_count_ - 1];
  waiting_[waiting_count_++] = &d;
  return slot;
}

void md5_lanes::leave(md5& d) noexcept {
  *std::ranges::find(waiting_, &d) = waiting_[--waiting_count_];
  free_slots_[lanes() - waiting_count_ - 1] = d.slot_;
}

/// As many blocks of everyone who waits as the one has who has the fewest, who then waits no more.
/// Precondition: somebody waits.
void md5_lanes::pass() noexcept {
  const auto all = waiting();
  const auto& kernel =
      *std::ranges::find_if(kernels_.by_lanes, [&](const md5_kernel& k) { return k.lanes >= all.size(); });
  const std::size_t blocks = std::ranges::min(all, {}, &md5::whole_blocks)->whole_blocks();
  std::array<std::uint32_t, 4 * md5_lanes_max> state;
  std::array<const unsigned char*, md5_lanes_max> messages;
  for (std::size_t lane = 0; lane < kernel.lanes; ++lane) {
    const md5& d = *all[lane < all.size() ? lane : 0]; // an empty lane does what the first does, in vain
    messages[lane] = d.slot_ + d.begin_;
    for (std::size_t w = 0; w < 4; ++w) state[w * kernel.lanes + lane] = d.state_[w];
  }
  kernel.run(state.data(), messages.data(), blocks);
  counted_.blocks += all.size() * blocks;
  counted_.rooms += kernel.lanes * blocks;
  if (all.size() == 1) counted_.alone += blocks;
  for (std::size_t lane = all.size(); lane-- > 0;) { // from the end, since leaving moves the last to where one left
    md5& d = *all[lane];
    for (std::size_t w = 0; w < 4; ++w) d.state_[w] = state[w * kernel.lanes + lane];
    d.begin_ += blocks * md5_block_bytes;
    if (d.whole_blocks() == 0) d.leave_slot();
  }
}

// ---- one digest -------------------------------------------------------------------------------------------------

md5::md5(md5_lanes& lanes) : lanes_(lanes), state_(initial_state) {
  lanes.make_slots();
}

void md5::restart() noexcept {
  if (slot_ != nullptr) leave_slot();
  if (open_) --lanes_.open_;
  open_ = finished_ = false;
  state_ = initial_state;
  bytes_ = rest_bytes_ = 0;
}

void md5::update(std::span<const char> piece) noexcept {
  if (!open_) ++lanes_.open_;
  open_ = true;
  if (lanes_.waiting_count_ == 0 && lanes_.open_ == 1) return absorb(bytes_of(piece));
  append(bytes_of(piece));
  while (lanes_.full()) lanes_.pass();
}

void md5::finish(std::span<const char> piece) noexcept {
  if (finished_) return;
  append(bytes_of(piece));
  std::array<unsigned char, md5_block_bytes + 8> padding{0x80};
  const std::uint64_t bits = 8 * bytes_;
  const std::size_t zeros = (md5_block_bytes + 55 - bytes_ % md5_block_bytes) % md5_block_bytes;
  put_little_endian(padding.data() + 1 + zeros, bits, 8);
  append({padding.data(), 1 + zeros + 8});
  if (open_) --lanes_.open_;
  open_ = false;
  finished_ = true;
  while (lanes_.full()) lanes_.pass();
}

std::array<unsigned char, 16> md5::value() noexcept {
  finish();
  while (slot_ != nullptr) lanes_.pass();
  std::array<unsigned char, 16> digest;
  for (std::size_t w = 0; w < 4; ++w) put_little_endian(digest.data() + 4 * w, state_[w], 4);
  return digest;
}

bool md5::fits(std::size_t bytes) const noexcept {
  return end_ - begin_ + bytes <= slot_bytes;
}

/// Into the slot, or to the rest while there is no whole block.
void md5::append(std::span<const unsigned char> piece) noexcept {
  bytes_ += piece.size();
  for (; piece.size() > piece_bytes_max; piece = piece.subspan(piece_bytes_max))
    append_some(piece.first(piece_bytes_max));
  append_some(piece);
}

void md5::append_some(std::span<const unsigned char> piece) noexcept {
  // The lanes run with what there is, but no longer than they have to: the more there is in each, the more meet.
  while (slot_ != nullptr && !fits(piece.size())) lanes_.pass();
  if (slot_ == nullptr) {
    if (rest_bytes_ + piece.size() < md5_block_bytes) {
      std::ranges::copy(piece, rest_.data() + rest_bytes_);
      rest_bytes_ += piece.size();
      return;
    }
    slot_ = lanes_.join(*this);
    begin_ = 0;
    end_ = rest_bytes_;
    std::copy_n(rest_.data(), rest_bytes_, slot_);
  } else if (end_ + piece.size() > slot_bytes) {
    std::copy(slot_ + begin_, slot_ + end_, slot_);
    end_ -= std::exchange(begin_, 0u);
  }
  std::ranges::copy(piece, slot_ + end_);
  end_ += piece.size();
}

/// At once and from where it lies, for a digest that is alone.
void md5::absorb(std::span<const unsigned char> piece) noexcept {
  bytes_ += piece.size();
  if (rest_bytes_ > 0) {
    const auto first = piece.first(std::min(piece.size(), md5_block_bytes - rest_bytes_));
    std::ranges::copy(first, rest_.data() + rest_bytes_);
    rest_bytes_ += first.size();
    piece = piece.subspan(first.size());
    if (rest_bytes_ == md5_block_bytes) {
      take(rest_);
      rest_bytes_ = 0;
    }
  }
  const std::size_t whole = piece.size() / md5_block_bytes * md5_block_bytes;
  if (whole > 0) take(piece.first(whole));
  const auto rest = piece.subspan(whole);
  std::ranges::copy(rest, rest_.data() + rest_bytes_);
  rest_bytes_ += rest.size();
}

void md5::take(std::span<const unsigned char> blocks) noexcept {
  const unsigned char* const message = blocks.data();
  const std::size_t count = blocks.size() / md5_block_bytes;
  md5_one_lane(state_.data(), &message, count);
  lanes_.counted_.blocks += count;
  lanes_.counted_.rooms += count;
  lanes_.counted_.alone += count;
}

void md5::leave_slot() noexcept {
  lanes_.leave(*this);
  rest_bytes_ = (end_ - begin_) % md5_block_bytes;
  std::copy_n(slot_ + end_ - rest_bytes_, rest_bytes_, rest_.data());
  slot_ = nullptr;
}

} // namespace hoist::digest
