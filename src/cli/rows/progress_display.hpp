#pragma once

// Shows progress: a bar that is redrawn on a terminal, a line now and then elsewhere, or nothing.

#include "cli/base/terminal.hpp"
#include "cli/options/settings.hpp"
#include "cli/rows/progress.hpp"
#include "cli/rows/tally.hpp"

#include <hoist/report.hpp>

#include <chrono>

namespace hoist::cli {

class progress_display {
 public:
  enum class shape : std::uint8_t { bar, plain, none };

  struct surroundings {
    bool can_redraw = false;       ///< stderr is a terminal that understands it
    bool rows_on_terminal = false; ///< rows land on the same screen
  };
  /// A bar only where it can be redrawn, and by itself only when no rows get in its way.
  static shape choose(progress_mode mode, surroundings where);

  progress_display(const settings& s, terminal& screen, surroundings where);

  /// Time between two calls of `update`; zero: never.
  std::chrono::milliseconds interval() const;

  struct state {
    counters moved;
    counts settled;
    bool listing_ended = false;
  };
  void update(rate_meter::time_point now, const state& seen);
  void clear() { screen_.clear_bar(); }

 private:
  terminal& screen_;
  shape shape_;
  std::chrono::milliseconds stats_every_;
  rate_meter rates_;
};

} // namespace hoist::cli
