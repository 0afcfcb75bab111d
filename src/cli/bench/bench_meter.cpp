#include "cli/bench/bench_meter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hoist::cli {

namespace {

// The part of a measurement, in time or in objects, that is warm-up at least: handshakes are over, windows are full.
constexpr int warm_up_part = 10;
// Between the looks at the machine there is this part of the counted time at least, or they are of no use.
constexpr double looked_part_least = 0.5;

std::uint32_t bounded(std::chrono::microseconds t) {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(t.count(), 0, most));
}

std::uint64_t at_rank(const std::vector<std::uint32_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

double seconds_between(bench_meter::time_point from, bench_meter::time_point until) {
  return std::chrono::duration<double>(until - from).count();
}

} // namespace

percentiles percentiles_of(std::vector<std::uint32_t>& values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {at_rank(values, 0.50), at_rank(values, 0.90), at_rank(values, 0.99)};
}

bench_meter::bench_meter(plan p, time_point begun, std::function<resource_use()> look)
    : plan_(p), begun_(begun), look_(std::move(look)) {}

bool bench_meter::warm_up_is_over(time_point at) const {
  if (all_done_ < static_cast<std::uint64_t>(plan_.concurrency)) return false;
  const bool by_time = plan_.duration.count() > 0 && at - begun_ >= plan_.duration / warm_up_part;
  return by_time || all_done_ >= plan_.objects_max / warm_up_part;
}

void bench_meter::close(time_point now) {
  if (std::exchange(closed_, true) || !counting_) return;
  closed_at_ = now;
  used_until_ = look_();
}

void bench_meter::done(time_point now, time_point at, std::chrono::microseconds presign,
                       std::chrono::microseconds put) {
  ++all_done_;
  if (closed_) return;
  if (!counting_) {
    if (!warm_up_is_over(at)) return;
    counting_ = true;
    from_ = until_ = at;
    looked_at_ = now;
    used_from_ = used_until_ = look_();
    return;
  }
  if (at < from_) return; // of another thread, whose news came in later
  ++counted_;
  until_ = std::max(until_, at);
  presigns_.push_back(bounded(presign));
  puts_.push_back(bounded(put));
  // Fewer than wanted are under way from here on, and nothing will fill their places.
  const auto under_way = begun_objects_ - std::min(begun_objects_, settled());
  if (source_ended_ && under_way < static_cast<std::uint64_t>(plan_.concurrency)) close(now);
}

double bench_meter::rate() const {
  const double seconds = seconds_between(from_, until_);
  return seconds > 0 ? static_cast<double>(counted_) / seconds : 0;
}

bench_cell bench_meter::result() {
  bench_cell cell;
  cell.size = plan_.size;
  cell.concurrency = plan_.concurrency;
  cell.objects = counted_;
  cell.all_done = all_done_;
  cell.failed = failed_;
  cell.seconds = seconds_between(from_, until_);
  cell.presign = percentiles_of(presigns_);
  cell.put = percentiles_of(puts_);
  // News comes in groups: what was counted may have come in with a single one, and the two looks say nothing of it.
  const double looked = seconds_between(looked_at_, closed_at_);
  if (!closed_ || looked <= 0 || looked < cell.seconds * looked_part_least) return cell;
  cell.cores_used = std::chrono::duration<double>(used_until_.process_cpu - used_from_.process_cpu).count() / looked;
  if (counted_ > 0) cell.cpu_us_per_object = cell.cores_used * cell.seconds * 1e6 / static_cast<double>(counted_);
  if (used_until_.machine_total > used_from_.machine_total)
    cell.machine_busy = static_cast<double>(used_until_.machine_busy - used_from_.machine_busy) /
                        static_cast<double>(used_until_.machine_total - used_from_.machine_total);
  return cell;
}

} // namespace hoist::cli
