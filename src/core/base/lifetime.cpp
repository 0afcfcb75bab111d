#include "core/base/lifetime.hpp"

#include <algorithm>

namespace hoist::core {

using namespace std::chrono_literals;

namespace {

constexpr millis margin_max = 30s;

// `expires_at` a little beyond issue + lifetime_max is still the URL's end: the issue time is known to about a second,
// and a signer may round up. A retention that short would be read as the URL's end too, which errs on the safe side.
constexpr millis retention_slack = 60s;

} // namespace

lifetime lifetime_of(const ticket_dates& dates, instant asked, const server_clock& clock, millis lifetime_max) {
  lifetime result;
  result.issued = asked;
  result.expiry = asked + lifetime_max;
  if (dates.signed_until) result.expiry = std::min(result.expiry, clock.earliest(*dates.signed_until));
  if (dates.expires_at) {
    if (*dates.expires_at > clock.at(asked) + lifetime_max + retention_slack)
      result.retained_until = dates.expires_at;
    else
      result.expiry = std::min(result.expiry, clock.earliest(*dates.expires_at));
  }
  const auto whole = std::max<instant::duration>(result.expiry - asked, 0ms);
  result.use_before = result.expiry - std::min<instant::duration>(margin_max, whole / 10);
  return result;
}

const server_clock& clock_for(const ticket_dates& dates, instant asked, instant received, const server_clock& all,
                              const server_clock& own, millis lifetime_max) {
  const auto is_usable_by = [&](const server_clock& clock) {
    return lifetime_of(dates, asked, clock, lifetime_max).usable(received);
  };
  return own.known() && !is_usable_by(all) && is_usable_by(own) ? own : all;
}

} // namespace hoist::core
