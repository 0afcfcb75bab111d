#pragma once

// What the schedulers of one uploader have in common: facts about the account and the API that end a run, and that no
// shard may judge by what it alone has seen. Any thread.

#include "core/pace/shared_rate.hpp"

#include <atomic>
#include <cstdint>

namespace hoist::core {

/// Files refused with 403 on young tickets, one after the other and with no success between: twenty of them are the
/// account's trouble, not the files' (contract §1).
class refusal_streak {
 public:
  static constexpr int files_max = 20;

  /// A file was stored. Costs a load while nothing is refused.
  void served() noexcept {
    if (files_.load(std::memory_order_relaxed) == 0) return;
    files_ = 0;
    ++streak_;
  }

  /// A file was refused, which counts once in a streak: `counted` is the file's memory of that. True when it is enough.
  bool refused(std::uint32_t& counted) noexcept {
    const auto current = streak_.load();
    if (counted == current) return false;
    counted = current;
    return ++files_ >= files_max;
  }

  /// The run has ended for it; the next one begins anew.
  void restart() noexcept {
    files_ = 0;
    ++streak_;
  }

 private:
  std::atomic<std::uint32_t> streak_{1};
  std::atomic<int> files_{0};
};

/// Whether the API has never made a ticket of use, and refused the first twenty different files: then it is not the
/// files.
class uniform_refusal {
 public:
  static constexpr int files_max = 20;

  /// A ticket that can be used was made.
  void served() noexcept {
    if (!served_.load(std::memory_order_relaxed)) served_ = true;
  }

  /// A file was refused for good, or its ticket was dead on arrival: `counted` is the file's memory of that. True when
  /// it is enough.
  bool refused(bool& counted) noexcept {
    if (counted || served_.load(std::memory_order_relaxed)) return false;
    counted = true;
    return ++files_ >= files_max;
  }

  void restart() noexcept { files_ = 0; }

 private:
  std::atomic<bool> served_{false};
  std::atomic<int> files_{0};
};

struct shared_facts {
  refusal_streak refusals;
  uniform_refusal api;
  shared_rate presigns;
  std::atomic<bool> presigned{false};   ///< a presign has been answered well, so that silence from now on is an outage
  std::atomic<std::uint64_t> stored{0}; ///< files
  std::atomic<int> connections{0}; ///< to the API; while one stands it can be reached, though it may answer nothing yet
};

} // namespace hoist::core
