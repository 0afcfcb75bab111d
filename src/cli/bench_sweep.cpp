#include "cli/bench_sweep.hpp"

#include "cli/bench_report.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>

namespace hoist::cli {

namespace {

constexpr double throttled_share = 0.01;
// So much of the machine at work leaves nothing to find out about anything else.
constexpr double busy_machine = 0.9;
// Twice as much at once that takes so much longer each is no more at all.
constexpr double clearly_slower = 1.3;

bool brought_nothing(const bench_cell& cell) {
  return cell.objects == 0 || cell.failed > cell.all_done;
}

std::string throttled_text(const bench_cell& cell) {
  const bool api = cell.presigns_throttled > cell.puts_throttled;
  return fmt::format("{} asks for less from {} at once on ({} of its answers were {})", api ? "the API" : "the storage",
                     cell.concurrency, cell.throttled(), api ? "429 or 503" : "503 or 429");
}

} // namespace

std::string_view name_of(sweep_end end) {
  switch (end) {
  case sweep_end::going_on: return "going_on";
  case sweep_end::no_gain: return "no_gain";
  case sweep_end::throttled: return "throttled";
  case sweep_end::list_ended: return "list_ended";
  case sweep_end::at_most: return "at_most";
  case sweep_end::budget: return "budget";
  case sweep_end::failures: return "failures";
  case sweep_end::stopped: return "stopped";
  }
  return "going_on";
}

bool is_throttled(const bench_cell& cell) {
  const double answers = 2 * static_cast<double>(cell.all_done) + static_cast<double>(cell.throttled());
  return static_cast<double>(cell.throttled()) > throttled_share * answers;
}

std::optional<int> bench_sweep::next() const {
  if (ended_ != sweep_end::going_on) return std::nullopt;
  if (!given_.empty()) return given_[cells_.size()];
  return cells_.empty() ? 1 : cells_.back().concurrency * 2;
}

void bench_sweep::add(bench_cell cell) {
  const bool gained = cell.objects_per_second() > best_rate() * gain_least;
  without_gain_ = gained ? 0 : without_gain_ + 1;
  cells_.push_back(std::move(cell));
  const auto& latest = cells_.back();
  if (!given_.empty()) {
    if (cells_.size() == given_.size()) ended_ = sweep_end::list_ended;
  } else if (is_throttled(latest)) {
    ended_ = sweep_end::throttled;
  } else if (brought_nothing(latest)) {
    ended_ = sweep_end::failures;
  } else if (without_gain_ == 2) {
    ended_ = sweep_end::no_gain;
  } else if (latest.concurrency * 2 > doubling_max) {
    ended_ = sweep_end::at_most;
  }
}

void bench_sweep::end(sweep_end why) {
  if (ended_ == sweep_end::going_on) ended_ = why;
}

double bench_sweep::best_rate() const {
  double best = 0;
  for (const auto& cell : cells_)
    if (!is_throttled(cell)) best = std::max(best, cell.objects_per_second());
  return best;
}

const bench_cell* bench_sweep::knee() const {
  const bench_cell* least = nullptr;
  for (const auto& cell : cells_) {
    const bool good = !is_throttled(cell) && cell.objects > 0 && cell.objects_per_second() * gain_least >= best_rate();
    if (good && (least == nullptr || cell.concurrency < least->concurrency)) least = &cell;
  }
  return least;
}

bool bench_sweep::is_knee_certain() const {
  const auto* at = knee();
  return at != nullptr && std::ranges::any_of(cells_, [&](const auto& c) { return c.concurrency >= 2 * at->concurrency; });
}

std::string what_limits(const bench_sweep& sweep) {
  const auto throttled = std::ranges::find_if(sweep.cells(), is_throttled);
  if (throttled != sweep.cells().end()) return throttled_text(*throttled);
  const auto* at = sweep.knee();
  if (at == nullptr) return "nothing was done in time";
  const auto& last = *std::ranges::max_element(sweep.cells(), {}, &bench_cell::concurrency);
  if (last.machine_busy >= busy_machine)
    return fmt::format("this machine: its processors were {:.0f} % busy, {:.1f} of them with hoist", 100 * last.machine_busy,
                       last.cores_used);
  if (last.limited_by == limit::presign_api)
    return fmt::format("the API's presign ({} ms at the median, {} at 1 %)", milliseconds_text(last.presign.p50),
                       milliseconds_text(last.presign.p99));
  if (!sweep.is_knee_certain()) return "the concurrency: more at once may bring more";
  const auto slower = [&](std::uint64_t was, std::uint64_t is) {
    return static_cast<double>(is) > clearly_slower * static_cast<double>(was);
  };
  const auto growth = [&](std::string_view what, const percentiles& was, const percentiles& is) {
    return fmt::format("{}: at {} at once a call takes {} ms instead of {} at {}", what, last.concurrency,
                       milliseconds_text(is.p50), milliseconds_text(was.p50), at->concurrency);
  };
  const double put_growth = static_cast<double>(last.put.p50) / static_cast<double>(std::max<std::uint64_t>(at->put.p50, 1));
  const double presign_growth =
      static_cast<double>(last.presign.p50) / static_cast<double>(std::max<std::uint64_t>(at->presign.p50, 1));
  if (slower(at->put.p50, last.put.p50) && put_growth >= presign_growth)
    return growth("the storage or the way there", at->put, last.put);
  if (slower(at->presign.p50, last.presign.p50)) return growth("the API or the way there", at->presign, last.presign);
  return "nothing that can be told from here; the storage, the API, or the way there";
}

} // namespace hoist::cli
