#pragma once

// What the arguments of `hoist bench` mean. Pure.

#include "cli/bench/bench_budget.hpp"
#include "cli/options/settings.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace hoist::cli {

struct bench_settings {
  settings common;
  std::vector<std::uint64_t> sizes{4 << 10, 256 << 10, 4 << 20};
  std::vector<int> concurrency;              ///< empty: found out
  std::chrono::milliseconds duration{5'000}; ///< of each measurement; 0: no bound but the objects
  std::optional<std::uint64_t> count;        ///< objects of each measurement
  bench_limits limits;
  bool keep = false;
  bool ask = true;
  bool json = false;
  std::filesystem::path left = "hoist-bench-left.ids";

  /// Measurements of each size, at most.
  std::size_t cells_max() const;
};

/// Throws usage_error.
bench_settings bench_settings_from(const arguments& typed, const environment& variables);

} // namespace hoist::cli
