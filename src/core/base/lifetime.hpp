#pragma once

// Until when a presigned URL may be used, and what `expires_at` means: the URL's end, or the stored file's.

#include "core/base/server_clock.hpp"
#include "core/base/time.hpp"

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

/// The clock that a reply's dates are read by: `all`, what all replies say, unless by that its ticket would be dead on
/// arrival and by `own`, what this reply alone says, it would not. Several machines may stand behind one name, and a
/// clock of theirs may be off: who signs by it dates its replies by it.
const server_clock& clock_for(const ticket_dates& dates, instant asked, instant received, const server_clock& all,
                              const server_clock& own, millis lifetime_max);

} // namespace hoist::core
