#pragma once

// Until when a presigned URL may be used, and what `expires_at` means: the URL's end, or the stored file's.

#include "core/server_clock.hpp"
#include "core/time.hpp"

#include <optional>

namespace hoist::core {

/// What one presign reply says about time.
struct ticket_dates {
  std::optional<wall_time> expires_at;   ///< the reply's field, if it parses
  std::optional<wall_time> signed_until; ///< X-Amz-Date + X-Amz-Expires of the URL, if both are there
};

struct lifetime {
  instant expiry{};     ///< the URL is dead from here on
  instant use_before{}; ///< the same less the margin min(30 s, 10 %): begin no PUT at or after it
  instant issued{};     ///< when the ticket was asked for
  std::optional<wall_time> retained_until;

  bool usable(instant now) const noexcept { return now < use_before; }
  bool lapsed(instant now) const noexcept { return now >= expiry; }
  friend bool operator==(const lifetime&, const lifetime&) = default;
};

/// Precondition: clock.known(); `lifetime_max` > 0.
lifetime lifetime_of(const ticket_dates& dates, instant asked, const server_clock& clock, millis lifetime_max);

} // namespace hoist::core
