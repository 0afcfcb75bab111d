#pragma once

// Whether a message that would be digested nearly alone waits a moment for others: for 2 ms, and less and less often
// where nobody comes.

#include <algorithm>
#include <chrono>

namespace hoist::digest {

class company_wait {
 public:
  static constexpr std::chrono::milliseconds longest{2};
  static constexpr int pieces_without_max = 64; ///< that go on unattended between two waits

  /// Asked before each piece that lacks company; whoever waits then says what came of it.
  bool is_due() noexcept {
    if (pieces_left_ == 0) return true;
    --pieces_left_;
    return false;
  }
  void waited(bool in_vain) noexcept {
    pieces_without_ = in_vain ? std::clamp(2 * pieces_without_, 1, pieces_without_max) : 0;
    pieces_left_ = pieces_without_;
  }

 private:
  int pieces_without_ = 0, pieces_left_ = 0;
};

} // namespace hoist::digest
