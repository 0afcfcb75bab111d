#pragma once

// How much a benchmark may send, and how that is shared out: each size gets its part of what is left, each concurrency
// its part of the size's. A measurement that could not say anything with what is left is not begun. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace hoist::cli {

struct bench_limits {
  std::uint64_t bytes = 1'000'000'000;
  std::uint64_t objects = 20'000;
};

class bench_budget {
 public:
  bench_budget(bench_limits all, std::size_t sizes) : left_(all), sizes_left_(sizes) {}

  /// Goes on to the next size. Precondition: not called more often than there are sizes.
  void begin_size(std::uint64_t bytes_each);

  /// Objects that a measurement at `concurrency` may make; 0: too few are left for one. `wanted`: exactly so many, if
  /// they can be had.
  std::uint64_t objects_for(int concurrency, std::optional<std::uint64_t> wanted) const;
  void spent(std::uint64_t objects);

 private:
  std::uint64_t left_of_size() const;

  bench_limits left_;
  bench_limits of_size_{0, 0}; ///< the part of `left_` that this size may use
  std::uint64_t bytes_each_ = 0;
  std::size_t sizes_left_;
};

/// What a measurement needs to say anything: a warm-up with each connection, as many again at the end that are not
/// counted, and twice as many between.
std::uint64_t objects_needed(int concurrency);

/// The most that will be sent, retries aside. `cells`: measurements of each size; `wanted`: objects of each.
bench_limits most_sent(bench_limits allowed, std::span<const std::uint64_t> sizes, std::size_t cells,
                       std::optional<std::uint64_t> wanted);

} // namespace hoist::cli
