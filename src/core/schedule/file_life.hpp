#pragma once

// What one file did so far, and what follows for it from the end of an attempt: the one table. It knows nothing of
// queues or hosts; the scheduler carries out what it says.

#include "core/base/outcome.hpp"

#include <hoist/error.hpp>

#include <cstdint>
#include <iosfwd>

namespace hoist::core {

enum class next_step : std::uint8_t {
  retry,      ///< after a pause, charged
  again,      ///< at once, before the others, uncharged
  in_turn,    ///< behind the others, uncharged
  reconnect,  ///< uncharged, when another connection may be tried
  new_ticket, ///< at once, with a new presign
  shortage,   ///< when some of our own descriptors or ports are free again
  fail,       ///< with `cause`
  abandon,
};

struct step {
  next_step what = next_step::retry;
  errc cause{};

  friend bool operator==(const step&, const step&) = default;
};

std::ostream& operator<<(std::ostream& out, const step& s);

/// What the scheduler knows at the end of an attempt.
struct attempt_end {
  outcome why;
  bool putting = false;       ///< else presigning
  bool host_away = false;     ///< as judged after this end
  bool host_alive = false;    ///< it answered another request since this attempt began
  bool ticket_lapsed = false; ///< by the server's clock, as far as that is known
};

class file_life {
 public:
  /// Call once for each attempt that did not end well.
  step after(const attempt_end& end) noexcept;

  /// A PUT begins: its ticket was of use.
  void put_begins() noexcept { lapses_ = dead_tickets_ = 0; }
  /// A ticket lapsed before it could be used. Whether the file may have another.
  bool may_renew_lapsed() noexcept;
  /// A ticket was dead when it arrived. Whether the file may have another.
  bool may_renew_dead() noexcept;
  int dead_tickets() const noexcept { return dead_tickets_; }

 private:
  step after_refusal(const attempt_end& end) noexcept;

  bool free_retry_used_ = false;
  std::uint8_t refusals_ = 0;      ///< 403 on a ticket that was fresh
  std::uint8_t lapses_ = 0;        ///< tickets that lapsed unused, in a row
  std::uint8_t dead_tickets_ = 0;  ///< tickets dead on arrival, in a row
  std::uint8_t late_refusals_ = 0; ///< 403 on a ticket that had lapsed by then
  std::uint8_t garbled_ = 0;       ///< in a row
  std::uint8_t dropped_ = 0;       ///< new connections that were dropped without a word
  std::uint8_t mismatches_ = 0, changes_ = 0;
};

} // namespace hoist::core
