#include "cli/remove/removal_rows.hpp"

#include "cli/base/units.hpp"
#include "cli/rows/rows.hpp"

#include <spdlog/fmt/fmt.h>

namespace hoist::cli {

std::string removal_row(const removal_report& report) {
  auto line = row("result");
  line.text("id", report.id).text("status", report.error ? "failed" : "deleted");
  line.number("attempts", static_cast<std::uint64_t>(report.attempts));
  line.number("ms", static_cast<std::uint64_t>(report.elapsed.count()));
  if (report.error) add_error(line, report.error, report.details);
  return std::move(line).finish();
}

std::string removal_plan_row(std::string_view id) {
  auto line = row("plan");
  return std::move(line.text("id", id).text("action", "delete")).finish();
}

std::string removal_summary_row(const removal_facts& facts) {
  auto line = row("summary");
  line.truth("complete", facts.complete);
  line.number("deleted", facts.totals.removed).number("failed", facts.totals.failed);
  line.number("unsettled", facts.totals.unsettled).number("unreadable_lines", facts.unreadable);
  line.number("requests", facts.totals.requests);
  line.seconds("seconds", static_cast<double>(facts.totals.elapsed.count()) / 1000);
  add_end(line, {facts.exit_code, facts.stopped_by, facts.error, facts.message});
  return std::move(line).finish();
}

std::string removal_line(const removal_facts& facts) {
  const auto& t = facts.totals;
  std::string text = fmt::format("{} deleted, {} failed", t.removed, t.failed);
  if (t.unsettled > 0) text += fmt::format(", {} not settled", t.unsettled);
  const double seconds = static_cast<double>(t.elapsed.count()) / 1000;
  text += " in " + duration_text(t.elapsed);
  if (seconds > 0 && t.removed > 0) text += fmt::format(" ({:.0f}/s)", static_cast<double>(t.removed) / seconds);
  return text;
}

} // namespace hoist::cli
