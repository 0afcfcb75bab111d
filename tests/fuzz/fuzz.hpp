#pragma once

// What all targets share: how a broken rule ends the run, and bytes in a block of their own.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace hoist::fuzz {

/// Ends the run when a rule does not hold; libFuzzer then keeps the input.
inline void require(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken rule: %s\n", rule);
  std::abort();
}

/// The input where nothing but `padding` bytes follow, so that ASan sees every read behind it.
class exact_copy {
 public:
  explicit exact_copy(std::string_view text, std::size_t padding = 0)
      : bytes_(new char[text.size() + padding]), size_(text.size()) {
    if (size_ != 0) std::memcpy(bytes_.get(), text.data(), size_);
    std::memset(bytes_.get() + size_, 0, padding);
  }
  std::string_view text() const noexcept { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_;
};

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The line up to the next '\n', taken from the front of `text`.
inline std::string_view take_line(std::string_view& text) {
  const auto line = text.substr(0, text.find('\n'));
  text.remove_prefix(line.size() < text.size() ? line.size() + 1 : line.size());
  return line;
}

/// Sizes of pieces that depend on the input alone: the same input is always cut the same way.
class piece_sizes {
 public:
  explicit piece_sizes(std::string_view text) {
    for (const char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
  /// 1 to `most`.
  std::size_t next(std::size_t most) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return 1 + static_cast<std::size_t>(state_ % most);
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325U;
};

} // namespace hoist::fuzz
