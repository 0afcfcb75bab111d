#include "core/pace/backoff.hpp"

#include "core/base/limits.hpp"

#include <algorithm>

namespace hoist::core {

namespace {

constexpr int doublings_max = 30; // beyond it any base has passed any cap, and the shift would overflow

} // namespace

millis backoff(backoff_range range, int n, std::optional<millis> retry_after, random& rng) {
  const auto doublings = std::clamp(n, 0, doublings_max);
  const auto ceiling = std::min<std::int64_t>(range.cap.count(), range.base.count() << doublings);
  const millis jittered{rng.up_to(std::max<std::int64_t>(ceiling, 0))};
  if (!retry_after) return jittered;
  // On top of what was asked comes the jitter of the first step, so that a crowd told "7" does not return as one.
  const millis asked = std::clamp(*retry_after, millis{0}, limits::retry_after_max);
  return std::max(jittered, asked + millis{rng.up_to(range.base.count())});
}

} // namespace hoist::core
