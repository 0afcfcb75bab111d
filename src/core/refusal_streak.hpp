#pragma once

// Files refused with 403 on young tickets, one after the other and with no success between: twenty of them are the
// account's trouble, not the files' (contract §1). One for all schedulers of an uploader; any thread.

#include <atomic>
#include <cstdint>

namespace hoist::core {

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

 private:
  std::atomic<std::uint32_t> streak_{1};
  std::atomic<int> files_{0};
};

} // namespace hoist::core
