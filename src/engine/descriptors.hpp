#pragma once

// What fits into the process's file descriptors. Pure.

#include <algorithm>
#include <cstdint>

namespace hoist::engine {

struct request_limits {
  int puts = 0, presigns = 0;
};

/// `wanted`, or less of it: a PUT holds two descriptors (its file and its connection), a presign one. Kept back are those
/// of each thread (its event loop), 4, and of the ledger and the caller, 24. At least one of each is left.
constexpr request_limits within_descriptors(request_limits wanted, std::uint64_t descriptors_max, int threads) {
  constexpr std::int64_t kept_back = 24, of_a_thread = 4;
  const auto most = static_cast<std::int64_t>(std::min<std::uint64_t>(descriptors_max, 1u << 20));
  const auto free = std::max<std::int64_t>(0, most - kept_back - of_a_thread * threads);
  request_limits fit;
  fit.presigns = static_cast<int>(std::clamp<std::int64_t>(free / 4, 1, std::max(1, wanted.presigns)));
  fit.puts = static_cast<int>(std::clamp<std::int64_t>((free - fit.presigns) / 2, 1, std::max(1, wanted.puts)));
  return fit;
}

} // namespace hoist::engine
