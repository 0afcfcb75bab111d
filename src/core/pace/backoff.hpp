#pragma once

// How long to wait before the n-th retry: full jitter, rand(0, min(cap, base * 2^n)), never less than the server asked.

#include "core/base/random.hpp"
#include "core/base/time.hpp"

#include <optional>

namespace hoist::core {

struct backoff_range {
  millis base{100};
  millis cap{20'000};
};

/// `n` counts from 0. `retry_after` is clamped to [0, 1 h]: a server that asks for more is believed for an hour.
millis backoff(backoff_range range, int n, std::optional<millis> retry_after, random& rng);

} // namespace hoist::core
