#pragma once

// Which concurrency is tried next at one size, when it is enough, and where the knee is: the least concurrency that
// comes within a tenth of the best. Pure.

#include "cli/bench/bench_meter.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::cli {

/// Why a sweep went no further; the name in a knee row's `ended_by`.
enum class sweep_end : std::uint8_t {
  going_on,
  no_gain,    ///< two in a row brought less than a tenth more than the best before
  throttled,  ///< the API or the storage asked for less
  list_ended, ///< all that were given have been tried
  at_most,    ///< as many at once as this command tries by itself
  budget,     ///< what is left of --max-bytes or --max-objects is too little for the next
  failures,   ///< nothing was done in time, or most of it failed
  stopped,    ///< by a signal, or because the run ended
};
std::string_view name_of(sweep_end end);

/// More than this share of answers were 429 or 503. A few are some storages' ordinary noise.
bool is_throttled(const bench_cell& cell);

class bench_sweep {
 public:
  static constexpr int doubling_max = 256;
  static constexpr double gain_least = 1.1;

  /// `given`: these, in this order; empty: 1, 2, 4, ...
  explicit bench_sweep(std::vector<int> given) : given_(std::move(given)) {}

  /// What to try next; nothing once it has ended.
  std::optional<int> next() const;
  void add(bench_cell cell);
  /// Ends it from outside.
  void end(sweep_end why);

  sweep_end ended() const { return ended_; }
  const std::vector<bench_cell>& cells() const { return cells_; }
  /// The knee's cell; null when nothing could be measured without being throttled.
  const bench_cell* knee() const;
  /// A larger one was tried and brought no more; otherwise the best may be beyond what was tried.
  bool is_knee_certain() const;

 private:
  double best_rate() const;

  std::vector<int> given_;
  std::vector<bench_cell> cells_;
  int without_gain_ = 0; ///< the latest so many brought no more
  sweep_end ended_ = sweep_end::going_on;
};

/// What holds the figures where they are, in words: what asked for less, what was busy, or what grew slower.
std::string what_limits(const bench_sweep& sweep);

} // namespace hoist::cli
