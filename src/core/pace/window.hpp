#pragma once

// How many requests of one kind may be in flight. It doubles for as long as more in flight means more done (at a far
// host with every answer: `window_opening`); then it settles, tries a larger size now and then, and a smaller one when
// the host has become slower.
//
// What is compared is the work done per second in whole rounds, in which what was in flight has been answered once.
// Work is weighed by its caller, so that a change from small files to large ones is no change of the host. Rounds in
// which the window held nothing back say nothing.

#include "core/pace/window_opening.hpp"

namespace hoist::core {

struct window_range {
  int min = 1;
  int start = 8;
  int max = 32; ///< the size itself, when not adaptive
  bool adaptive = false;
};

class window {
 public:
  /// Precondition: 1 <= min, 1 <= start, min <= max.
  explicit window(window_range range) noexcept;

  int size() const noexcept { return size_; }
  /// How long a request takes, of late; 0 before the first answer.
  instant::duration took() const noexcept { return took_; }

  /// The window, not lack of work, held a request back. Starts the next measuring round `lead` later; a larger window
  /// shows no effect sooner.
  void held(instant now, instant::duration lead, int in_flight) noexcept;
  /// A request took so long until it was answered.
  void answered(instant::duration took) noexcept;
  /// A request begun at `begun` is over, and so many are left in flight; `work` is 0 unless it succeeded.
  void ended(instant begun, instant now, int in_flight, double work) noexcept;
  /// The host was away: from a few upwards again, so that it is not met by all at once.
  void restart() noexcept;
  /// No more than these can be had: descriptors or ports have run out.
  void crowded(int in_flight, instant now) noexcept;

 private:
  enum class phase : unsigned char { full, opening, recovering, climbing, settled, trying_more, trying_less };

  void open(window_opening::verdict so_far, instant::duration took, instant now) noexcept;
  void begin_counting(instant now, int in_flight) noexcept;
  void conclude(double done, instant now) noexcept;
  void climb(double done, instant now) noexcept;
  void watch(double done, instant now) noexcept;
  void try_more(double done, instant now) noexcept;
  void try_less(double done, instant now) noexcept;
  void settle(int size, instant now) noexcept;
  bool try_size(int size, phase as) noexcept;
  instant::duration round_min() const noexcept;

  window_range range_;
  phase phase_;
  window_opening opening_;
  int size_;
  int base_;        ///< the size to return to when another one is no better
  double best_ = 0; ///< work per second at base_; 0: not yet known
  bool second_look_ = false;
  bool slumped_ = false; ///< the host does less than when we settled
  instant::duration probe_interval_{};
  instant next_probe_{};

  instant::duration took_{};
  bool marked_ = false, counting_ = false, held_meanwhile_ = false;
  instant count_from_{}; ///< of the round: when marked, earliest; when counting, since
  int old_left_ = 0;     ///< in flight since before the count began, and to be awaited
  double work_ = 0;
  instant::duration busy_{}; ///< how long the requests that ended took, summed
};

} // namespace hoist::core
