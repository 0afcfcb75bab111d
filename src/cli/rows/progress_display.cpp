#include "cli/rows/progress_display.hpp"

namespace hoist::cli {

namespace {

/// Ten times a second is as often as an eye follows.
constexpr std::chrono::milliseconds redraw_every{100};

progress_view view_of(const progress_display::state& seen, const rate_meter& rates) {
  const auto& moved = seen.moved;
  progress_view view;
  view.settled = moved.files_done + moved.files_failed;
  view.failed = seen.settled.failed;
  if (seen.listing_ended) view.total = seen.settled.taken;
  view.bytes_done = moved.bytes_done;
  view.in_flight = moved.puts_in_flight;
  view.retries = moved.retries;
  view.files_per_second = rates.files_per_second();
  view.bytes_per_second = rates.bytes_per_second();
  if (moved.waits_for) view.waits_for = waiting_text(*moved.waits_for);
  return view;
}

} // namespace

progress_display::shape progress_display::choose(progress_mode mode, surroundings where) {
  switch (mode) {
  case progress_mode::none: return shape::none;
  case progress_mode::plain: return shape::plain;
  case progress_mode::bar: return where.can_redraw ? shape::bar : shape::plain;
  case progress_mode::automatic: break;
  }
  if (!where.can_redraw) return shape::plain;
  return where.rows_on_terminal ? shape::none : shape::bar;
}

progress_display::progress_display(const settings& s, terminal& screen, surroundings where)
    : screen_(screen), shape_(choose(s.progress, where)), stats_every_(s.stats_every) {}

std::chrono::milliseconds progress_display::interval() const {
  switch (shape_) {
  case shape::bar: return redraw_every;
  case shape::plain: return stats_every_;
  case shape::none: break;
  }
  return std::chrono::milliseconds{0};
}

void progress_display::update(rate_meter::time_point now, const state& seen) {
  rates_.add(now, seen.moved.files_done + seen.moved.files_failed, seen.moved.bytes_sent);
  const auto view = view_of(seen, rates_);
  if (shape_ == shape::bar) {
    screen_.show_bar(bar_line(view, screen_.width()));
  } else {
    screen_.print(plain_line(view));
  }
}

} // namespace hoist::cli
