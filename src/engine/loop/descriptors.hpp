#pragma once

// What fits into the process's file descriptors. Pure.

#include <algorithm>
#include <cstdint>

namespace hoist::engine {

struct request_limits {
  int puts = 0, presigns = 0;
};

/// Each thread's event loop has so many.
constexpr int descriptors_of_a_thread = 4;
/// Left for what comes and goes: a name look-up, the walk, the ledger's files, whatever the caller opens meanwhile.
constexpr int descriptors_spare = 8;
/// With fewer there is no work to be done: a thread, a connection to the API, one to the storage, a file, and two that
/// come and go.
constexpr int descriptors_min = descriptors_of_a_thread + 5;

/// How many threads there should be, of those wanted, with so many descriptors free: a thread is not worth its own when
/// hardly a request would be left to it.
constexpr int threads_within(int wanted, std::int64_t descriptors_free) {
  constexpr std::int64_t worth_a_thread = 24;
  return static_cast<int>(
      std::clamp<std::int64_t>((descriptors_free - descriptors_spare) / worth_a_thread, 1, std::max(1, wanted)));
}

/// `wanted`, or less of it: a PUT holds two descriptors (its file and its connection), a presign one. At least one of
/// each is left.
constexpr request_limits within_descriptors(request_limits wanted, std::int64_t descriptors_free, int threads) {
  const auto free = std::max<std::int64_t>(0, descriptors_free - descriptors_spare - descriptors_of_a_thread * threads);
  request_limits fit;
  fit.presigns = static_cast<int>(std::clamp<std::int64_t>(free / 4, 1, std::max(1, wanted.presigns)));
  fit.puts = static_cast<int>(std::clamp<std::int64_t>((free - fit.presigns) / 2, 1, std::max(1, wanted.puts)));
  return fit;
}

} // namespace hoist::engine
