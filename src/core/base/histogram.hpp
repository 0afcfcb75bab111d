#pragma once

// How long things took, as counts in buckets that grow with the value: eight to each doubling, so a quantile is right
// to an eighth. Adding costs a few instructions and never allocates; histograms of several shards add up to one.

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace hoist::core {

class histogram {
 public:
  using micros = std::chrono::microseconds;

  void add(micros value) noexcept { ++counts_[bucket_of(value)]; }

  void merge(const histogram& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }

  std::uint64_t count() const noexcept {
    std::uint64_t sum = 0;
    for (const auto c : counts_) sum += c;
    return sum;
  }

  /// The value that a share `q` of all values does not exceed, rounded up to its bucket's end; 0 when there is none.
  micros quantile(double q) const noexcept {
    const auto wanted = std::max(1.0, std::ceil(q * static_cast<double>(count())));
    double seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += static_cast<double>(counts_[i]);
      if (seen >= wanted) return last_of(i);
    }
    return micros{0};
  }

 private:
  static constexpr unsigned steps_log2 = 3; // buckets to a doubling: 8
  static constexpr unsigned steps = 1u << steps_log2;
  static constexpr unsigned doublings = 30; // the last bucket begins beyond an hour and holds whatever is longer
  static constexpr std::size_t buckets = steps * (doublings + 1);

  static std::size_t bucket_of(micros value) noexcept {
    const auto v = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    if (v < steps) return static_cast<std::size_t>(v);
    const auto shift = static_cast<unsigned>(std::bit_width(v)) - 1 - steps_log2;
    const auto i = (static_cast<std::size_t>(shift) << steps_log2) + static_cast<std::size_t>(v >> shift);
    return std::min(i, buckets - 1);
  }

  static micros last_of(std::size_t i) noexcept {
    if (i < steps) return micros{static_cast<std::int64_t>(i)};
    const auto shift = static_cast<unsigned>(i / steps) - 1;
    return micros{static_cast<std::int64_t>(((i % steps + steps + 1) << shift) - 1)};
  }

  std::array<std::uint64_t, buckets> counts_{};
};

} // namespace hoist::core
