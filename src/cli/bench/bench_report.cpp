#include "cli/bench/bench_report.hpp"

#include "cli/base/units.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <array>
#include <utility>

namespace hoist::cli {

namespace {

/// What the whole table needs.
constexpr std::size_t wide = 79;

std::string megabytes_text(double bytes_per_second) {
  const double mb = bytes_per_second / 1e6;
  return mb < 10 ? fmt::format("{:.2f}", mb) : mb < 100 ? fmt::format("{:.1f}", mb) : fmt::format("{:.0f}", mb);
}

/// Behind the figures: `<` the knee, `*` few samples.
std::string mark_of(const bench_cell& c, bool is_knee) {
  return std::string(is_knee ? "<" : "") + (c.few_samples() ? "*" : "");
}

std::vector<std::string> head_lines(bool whole) {
  if (!whole)
    return {fmt::format("{:>5} {:>9} {:>6} {:>7} {:>5} {:>6}", "-j", "objects/s", "MB/s", "PUT p50", "p99", "slowed")};
  return {fmt::format("{:>7} {:>9} {:>6}  {:^17}  {:^17} {:>7} {:>6}", "at once", "objects/s", "MB/s", "presign, ms",
                      "PUT, ms", "CPU us", "slowed"),
          fmt::format("{:24}  {:>5} {:>5} {:>5}  {:>5} {:>5} {:>5} {:>7} {:>6}", "", "p50", "p90", "p99", "p50", "p90",
                      "p99", "each", "down")};
}

std::string row_line(const bench_cell& c, bool is_knee, bool whole) {
  const auto ms = [](std::uint64_t us) { return milliseconds_text(us); };
  if (!whole)
    return fmt::format("{:>5} {:>9} {:>6} {:>7} {:>5} {:>6}{}", c.concurrency, rate_text(c.objects_per_second()),
                       megabytes_text(c.bytes_per_second()), ms(c.put.p50), ms(c.put.p99), c.throttled(),
                       mark_of(c, is_knee));
  return fmt::format("{:>7} {:>9} {:>6}  {:>5} {:>5} {:>5}  {:>5} {:>5} {:>5} {:>7.0f} {:>6}{}", c.concurrency,
                     rate_text(c.objects_per_second()), megabytes_text(c.bytes_per_second()), ms(c.presign.p50),
                     ms(c.presign.p90), ms(c.presign.p99), ms(c.put.p50), ms(c.put.p90), ms(c.put.p99),
                     c.cpu_us_per_object, c.throttled(), mark_of(c, is_knee));
}

std::string ending_text(const bench_sweep& sweep) {
  switch (sweep.ended()) {
  case sweep_end::budget: return "the next would exceed --max-bytes or --max-objects";
  case sweep_end::failures: return "ended: too little was done in time";
  case sweep_end::stopped: return "stopped";
  default: return {};
  }
}

std::string knee_line(const bench_sweep& sweep) {
  const auto* at = sweep.knee();
  if (at == nullptr) return "no figure";
  return fmt::format("{} {} at once: {} objects/s, {} MB/s",
                     sweep.is_knee_certain() ? "knee:" : "best so far:", at->concurrency,
                     rate_text(at->objects_per_second()), megabytes_text(at->bytes_per_second()));
}

void add_wrapped(std::vector<std::string>& lines, std::string_view text, std::size_t width) {
  for (auto& line : wrapped_text(text, width)) lines.push_back(std::move(line));
}

} // namespace

std::string object_size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 3> names{"KiB", "MiB", "GiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t i = 0;
  for (; value >= 1024 && i + 1 < names.size(); ++i) value /= 1024;
  auto text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text + " " + std::string(names[i]);
}

std::string milliseconds_text(std::uint64_t micros) {
  const double ms = static_cast<double>(micros) / 1000;
  return ms < 9.995 ? fmt::format("{:.2f}", ms) : ms < 99.95 ? fmt::format("{:.1f}", ms) : fmt::format("{:.0f}", ms);
}

std::string rate_text(double per_second) {
  return per_second < 9.995   ? fmt::format("{:.2f}", per_second)
         : per_second < 99.95 ? fmt::format("{:.1f}", per_second)
                              : fmt::format("{:.0f}", per_second);
}

std::vector<std::string> sweep_table(const bench_sweep& sweep, std::size_t width) {
  if (sweep.cells().empty()) return {};
  const bool whole = width >= wide;
  std::vector<std::string> lines{object_size_text(sweep.cells().front().size) + " an object"};
  for (auto& line : head_lines(whole)) lines.push_back(std::move(line));
  bool few = false;
  for (const auto& cell : sweep.cells()) {
    lines.push_back(row_line(cell, &cell == sweep.knee(), whole));
    few = few || cell.few_samples();
  }
  std::string said = knee_line(sweep) + "; limited by " + what_limits(sweep);
  if (const auto end = ending_text(sweep); !end.empty()) said += "; " + end;
  add_wrapped(lines, said, width);
  if (few) add_wrapped(lines, fmt::format("* fewer than {} objects counted: take it as a hint", samples_least), width);
  return lines;
}

std::string cell_line(const bench_cell& cell) {
  auto text = fmt::format("{}, {} at once: {} objects/s, {} MB/s", object_size_text(cell.size), cell.concurrency,
                          rate_text(cell.objects_per_second()), megabytes_text(cell.bytes_per_second()));
  if (cell.throttled() > 0) text += fmt::format(", {} times asked for less", cell.throttled());
  if (cell.failed > 0) text += fmt::format(", {} failed", cell.failed);
  return text;
}

std::vector<std::string> wrapped_text(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string indent;
  while (true) {
    const auto room = std::max<std::size_t>(width, 20) - indent.size();
    auto cut = text.size() <= room ? text.size() : text.rfind(' ', room);
    if (cut == std::string_view::npos || cut == 0) cut = std::min(text.size(), text.find(' '));
    lines.push_back(indent + std::string(text.substr(0, cut)));
    if (cut >= text.size()) return lines;
    text.remove_prefix(cut + 1);
    indent = "  ";
  }
}

std::string closing_text(const std::vector<bench_sweep>& sweeps) {
  const bench_cell *most_objects = nullptr, *most_bytes = nullptr;
  for (const auto& sweep : sweeps) {
    const auto* at = sweep.knee();
    if (at == nullptr) continue;
    if (most_objects == nullptr || at->objects_per_second() > most_objects->objects_per_second()) most_objects = at;
    if (most_bytes == nullptr || at->bytes_per_second() > most_bytes->bytes_per_second()) most_bytes = at;
  }
  if (most_objects == nullptr) return {};
  const auto where = [](const bench_cell& c) {
    return fmt::format("{}, {} at once", object_size_text(c.size), c.concurrency);
  };
  if (most_objects == most_bytes)
    return fmt::format("From here: {} objects/s, {} MB/s ({}).", rate_text(most_objects->objects_per_second()),
                       megabytes_text(most_bytes->bytes_per_second()), where(*most_bytes));
  return fmt::format("From here: {} objects/s ({}), {} MB/s ({}).", rate_text(most_objects->objects_per_second()),
                     where(*most_objects), megabytes_text(most_bytes->bytes_per_second()), where(*most_bytes));
}

} // namespace hoist::cli
