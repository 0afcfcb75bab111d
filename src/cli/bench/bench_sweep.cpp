#include "cli/bench/bench_sweep.hpp"

#include "cli/bench/bench_report.hpp"

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
  return fmt::format("{}, which asks for less from {} at once on ({} answers 429 or 503)",
                     api ? "the API" : "the storage", cell.concurrency, cell.throttled());
}

double growth(const percentiles& was, const percentiles& is) {
  return static_cast<double>(is.p50) / static_cast<double>(std::max<std::uint64_t>(was.p50, 1));
}

/// Behind the knee more at once only waits longer; where it waits tells who holds it up.
std::string slower_text(const bench_cell& knee, const bench_cell& beyond) {
  const double presign = growth(knee.presign, beyond.presign), put = growth(knee.put, beyond.put);
  if (std::max(presign, put) < clearly_slower)
    return "what cannot be told from here: the storage, the API or the way there";
  const bool is_put = put >= presign;
  const auto& was = is_put ? knee.put : knee.presign;
  const auto& is = is_put ? beyond.put : beyond.presign;
  return fmt::format("{} or the way there: {} takes {} ms at {} at once, {} ms at {}",
                     is_put ? "the storage" : "the API", is_put ? "a PUT" : "a presign", milliseconds_text(was.p50),
                     knee.concurrency, milliseconds_text(is.p50), beyond.concurrency);
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
  return at != nullptr &&
         std::ranges::any_of(cells_, [&](const auto& c) { return c.concurrency >= 2 * at->concurrency; });
}

std::string what_limits(const bench_sweep& sweep) {
  const auto throttled = std::ranges::find_if(sweep.cells(), is_throttled);
  if (throttled != sweep.cells().end()) return throttled_text(*throttled);
  const auto* at = sweep.knee();
  if (at == nullptr) return "failures: nothing was done in time";
  const auto& last = *std::ranges::max_element(sweep.cells(), {}, &bench_cell::concurrency);
  auto text = sweep.is_knee_certain() ? slower_text(*at, last) : "the concurrency: more at once may bring more";
  if (last.machine_busy >= busy_machine)
    text +=
        fmt::format("; this machine's processors were {:.0f} % busy (hoist itself: {:.1f} of them), which may be why",
                    100 * last.machine_busy, last.cores_used);
  return text;
}

} // namespace hoist::cli
