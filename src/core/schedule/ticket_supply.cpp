#include "core/schedule/ticket_supply.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <cmath>

namespace hoist::core {

namespace {

using seconds = std::chrono::duration<double>;

// More than anybody wants, and far from what an int holds.
constexpr double tickets_most = 1e6;

/// The whole part, within what an int and sense allow.
int whole(double n) noexcept {
  return static_cast<int>(std::clamp(std::floor(n), 0.0, tickets_most));
}

} // namespace

int tickets_wanted(const supply_figures& f) noexcept {
  const int free = std::max(0, f.slots - f.in_flight);
  const double life = std::max(0.0, seconds{f.ticket_life}.count());
  int wanted = free + std::max(0, f.ahead);
  if (f.put_took > instant::duration{}) {
    const double put = seconds{f.put_took}.count();
    const double used_in_time = f.slots * life / put / limits::ticket_life_part;
    const double freed_meanwhile = f.in_flight * std::min(1.0, seconds{f.presign_took}.count() / put);
    wanted = free + whole(std::min(f.ahead + freed_meanwhile, used_in_time));
  }
  if (f.put_rate) {
    const double soon = std::min(seconds{limits::ticket_wait_max}.count(), life / limits::ticket_life_part);
    wanted = std::min(wanted, 1 + whole(*f.put_rate * soon));
  }
  return f.in_flight == 0 ? std::max(1, wanted) : wanted;
}

} // namespace hoist::core
