#include "cli/bench/bench_rows.hpp"

#include "cli/rows/rows.hpp"

namespace hoist::cli {

namespace {

void add_percentiles(json_line& line, std::string_view name, const percentiles& p) {
  line.open(name).number("p50", p.p50).number("p90", p.p90).number("p99", p.p99).close();
}

std::uint64_t unsigned_of(int n) {
  return static_cast<std::uint64_t>(n);
}

} // namespace

std::string cell_row(const bench_cell& cell) {
  auto line = row("cell");
  line.number("size", cell.size).number("concurrency", unsigned_of(cell.concurrency));
  line.number("objects", cell.objects).truth("few_samples", cell.few_samples());
  line.number("all_objects", cell.all_done).number("failed", cell.failed);
  line.seconds("seconds", cell.seconds);
  line.seconds("objects_per_second", cell.objects_per_second());
  line.seconds("bytes_per_second", cell.bytes_per_second());
  add_percentiles(line, "presign_us", cell.presign);
  add_percentiles(line, "put_us", cell.put);
  line.seconds("cpu_us_per_object", cell.cpu_us_per_object).seconds("cores_used", cell.cores_used);
  line.seconds("machine_busy", cell.machine_busy);
  line.number("presigns_throttled", cell.presigns_throttled).number("puts_throttled", cell.puts_throttled);
  line.text("limited_by", name_of(cell.limited_by));
  if (!cell.limited_detail.empty()) line.text("limited_detail", cell.limited_detail);
  return std::move(line).finish();
}

std::string knee_row(const bench_sweep& sweep) {
  auto line = row("knee");
  line.number("size", sweep.cells().empty() ? 0 : sweep.cells().front().size);
  const auto* at = sweep.knee();
  line.number("concurrency", at != nullptr ? std::optional(unsigned_of(at->concurrency)) : std::nullopt);
  line.truth("certain", sweep.is_knee_certain());
  line.seconds("objects_per_second", at != nullptr ? at->objects_per_second() : 0);
  line.seconds("bytes_per_second", at != nullptr ? at->bytes_per_second() : 0);
  line.text("ended_by", name_of(sweep.ended())).text("limited_by", what_limits(sweep));
  return std::move(line).finish();
}

std::string bench_summary_row(const bench_facts& facts) {
  auto line = row("summary");
  line.truth("complete", facts.complete).number("cells", facts.cells);
  line.number("made", facts.made).number("failed", facts.failed).number("bytes", facts.bytes);
  line.number("deleted", facts.deleted).number("left", facts.left).truth("kept", facts.kept);
  line.seconds("seconds", facts.seconds).seconds("delete_seconds", facts.delete_seconds);
  add_end(line, {facts.exit_code, facts.stopped_by, facts.error, facts.message});
  return std::move(line).finish();
}

} // namespace hoist::cli
