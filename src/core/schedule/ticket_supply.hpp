#pragma once

// How many tickets should be ready or on their way: numbers in, one number out. Tickets are made just in time: for the
// slots that are free, for those that will be by the time a ticket asked for now is there, and a few ahead.

#include "core/base/time.hpp"

#include <optional>

namespace hoist::core {

struct supply_figures {
  int slots = 0;                    ///< PUTs that may be in flight, to hosts that answer
  int in_flight = 0;                ///< PUTs
  int ahead = 0;                    ///< tickets to have beyond that
  instant::duration put_took{};     ///< of late; 0: none has ended yet
  instant::duration presign_took{}; ///< likewise
  instant::duration ticket_life{};  ///< from asking for it until it may not be used any more; 0 or less: of no use
  std::optional<double> put_rate;   ///< PUTs a second that a throttling host lets begin
};

/// At least 1 while no PUT is in flight, whatever the figures: a new ticket is then the only way to find out that
/// tickets are of use again.
int tickets_wanted(const supply_figures& f) noexcept;

} // namespace hoist::core
