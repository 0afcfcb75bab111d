#pragma once

// A small generator that a seed replays exactly (SplitMix64). Not for secrets.

#include <cstdint>

namespace hoist::core {

class random {
 public:
  explicit constexpr random(std::uint64_t seed) noexcept : state_(seed) {}

  constexpr std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  /// Uniform over [0, bound], bound >= 0. The bias of the modulo is below 2^-32 for the bounds used here.
  constexpr std::int64_t up_to(std::int64_t bound) noexcept {
    return static_cast<std::int64_t>(next() % (static_cast<std::uint64_t>(bound) + 1));
  }

 private:
  std::uint64_t state_;
};

} // namespace hoist::core
