#include "cli/rows/progress.hpp"

#include "cli/base/units.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <vector>

namespace hoist::cli {

namespace {

constexpr std::size_t bar_cells = 20;

/// At most 100, and 100 only when all is settled.
std::uint64_t percent(const progress_view& view) {
  if (!view.total || *view.total == 0) return 0;
  return std::min<std::uint64_t>(100, view.settled * 100 / *view.total);
}

std::string files_text(const progress_view& view) {
  if (view.total) return fmt::format("{}/{} files {}%", view.settled, *view.total, percent(view));
  return fmt::format("{} files", view.settled);
}

std::string bar_text(const progress_view& view) {
  const auto full = static_cast<std::size_t>(percent(view)) * bar_cells / 100;
  return "[" + std::string(full, '#') + std::string(bar_cells - full, '.') + "]";
}

std::string bytes_text(const progress_view& view) {
  return size_text(static_cast<double>(view.bytes_done)) + " " + size_text(view.bytes_per_second) + "/s";
}

/// The parts that there is something to say about, the most important first.
std::vector<std::string> parts_of(const progress_view& view) {
  std::vector<std::string> parts{files_text(view)};
  if (!view.waits_for.empty()) parts.push_back(view.waits_for);
  if (view.failed > 0) parts.push_back(fmt::format("{} failed", view.failed));
  parts.push_back(bytes_text(view));
  if (const auto left = time_left(view)) parts.push_back("ETA " + clock_text(*left));
  parts.push_back(fmt::format("{:.0f} files/s", view.files_per_second));
  parts.push_back(fmt::format("{} in flight", view.in_flight));
  if (view.retries > 0) parts.push_back(fmt::format("{} retries", view.retries));
  return parts;
}

} // namespace

std::string waiting_text(const waiting& w) {
  const auto seconds = [](std::chrono::milliseconds t) { return (t.count() + 500) / 1000; };
  std::string text = "waiting for " + w.for_what;
  if (!w.reason.empty()) text += ": " + w.reason;
  text += fmt::format(", {} s", seconds(w.since));
  if (w.next_try) text += fmt::format("; next try in {} s", std::max<std::int64_t>(1, seconds(*w.next_try)));
  return text;
}

std::optional<std::chrono::seconds> time_left(const progress_view& view) {
  if (!view.total || view.files_per_second <= 0) return std::nullopt;
  const auto files = *view.total > view.settled ? *view.total - view.settled : 0;
  const double seconds = static_cast<double>(files) / view.files_per_second;
  if (seconds > 100.0 * 3600) return std::nullopt;
  return std::chrono::seconds{static_cast<std::int64_t>(seconds + 0.5)};
}

std::string bar_line(const progress_view& view, std::size_t width) {
  const std::size_t room = width > 1 ? width - 1 : 0;
  if (!view.waits_for.empty()) { // that is what there is to say, and nothing moves beside it
    std::string text = view.total ? fmt::format("{}%  ", percent(view)) : fmt::format("{} files  ", view.settled);
    text += view.waits_for;
    if (text.size() > room) text = room > 3 ? text.substr(0, room - 3) + "..." : std::string();
    return text;
  }
  std::string line;
  if (view.total && room >= 60) line = bar_text(view);
  for (const auto& part : parts_of(view)) {
    const auto gap = line.empty() ? 0U : 2U;
    if (line.size() + gap + part.size() > room) break;
    line.append(gap, ' ').append(part);
  }
  return line;
}

std::string plain_line(const progress_view& view) {
  std::string line = "progress:";
  std::string_view separator = " ";
  for (const auto& part : parts_of(view)) {
    line.append(separator).append(part);
    separator = ", ";
  }
  return line;
}

void rate_meter::add(time_point now, std::uint64_t files, std::uint64_t bytes) {
  samples_.push_back({now, files, bytes});
  while (samples_.size() > 2 && now - samples_[1].at >= window) samples_.pop_front();
}

double rate_meter::files_per_second() const {
  return per_second(&sample::files);
}
double rate_meter::bytes_per_second() const {
  return per_second(&sample::bytes);
}

double rate_meter::per_second(std::uint64_t sample::*counter) const {
  if (samples_.size() < 2) return 0;
  const auto& first = samples_.front();
  const auto& last = samples_.back();
  const std::chrono::duration<double> time = last.at - first.at;
  if (time.count() <= 0) return 0;
  return static_cast<double>(last.*counter - first.*counter) / time.count();
}

} // namespace hoist::cli
