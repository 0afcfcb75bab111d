#include "cli/rows/summary.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/units.hpp"

#include <spdlog/fmt/fmt.h>

namespace hoist::cli {

namespace {

std::string counts_line(const summary_facts& facts, const counts& numbers) {
  std::string line = fmt::format("{} done", facts.done);
  if (facts.from_ledger > 0) line += fmt::format(" ({} by an earlier run)", facts.from_ledger);
  line += fmt::format(", {} failed, {} skipped", facts.failed, facts.skipped);
  if (facts.skipped > 0) line += " (" + causes_text(numbers.skip_reasons) + ")";
  if (facts.unsettled.value_or(0) > 0) line += fmt::format(", {} not settled", *facts.unsettled);
  if (!facts.unsettled) line += ", and more that was not looked at";
  return line;
}

std::string work_line(const summary_facts& facts) {
  const auto& batch = facts.batch;
  const double seconds = static_cast<double>(batch.elapsed.count()) / 1000;
  std::string line = size_text(static_cast<double>(batch.bytes)) + " in " + duration_text(batch.elapsed);
  if (seconds > 0) {
    line += fmt::format(" ({}/s, {:.1f} files/s)", size_text(static_cast<double>(batch.bytes) / seconds),
                        static_cast<double>(facts.done) / seconds);
  }
  line += fmt::format(", {} presigns, {} PUTs", batch.presigns, batch.puts);
  if (batch.limited_by != limit::none) line += fmt::format(", limited by: {}", name_of(batch.limited_by));
  if (!batch.limited_detail.empty()) line += " (" + batch.limited_detail + ")";
  return line;
}

void add_failures(std::vector<std::string>& lines, const counts& numbers) {
  if (numbers.failed == 0) return;
  lines.push_back("failed: " + causes_text(numbers.causes));
  for (const auto& path : numbers.failed_paths) lines.push_back("  " + escaped(path));
  const auto more = numbers.failed - numbers.failed_paths.size();
  if (more > 0) lines.push_back(fmt::format("  and {} more", more));
}

} // namespace

std::string causes_text(const std::map<std::string, std::uint64_t>& causes) {
  std::string text;
  for (const auto& [name, count] : causes) {
    if (!text.empty()) text += ", ";
    text += fmt::format("{} {}", name, count);
  }
  return text;
}

std::vector<std::string> summary_lines(const summary_facts& facts, const counts& numbers, std::uint64_t hidden_taken,
                                       const std::string& retry) {
  std::vector<std::string> lines{counts_line(facts, numbers), work_line(facts)};
  add_failures(lines, numbers);
  if (hidden_taken > 0) {
    lines.push_back(fmt::format("notice: {} hidden {} taken (--exclude '.*' leaves them out)", hidden_taken,
                                hidden_taken == 1 ? "file was" : "files were"));
  }
  if (facts.failed > 0 || !facts.complete) lines.push_back("to retry: " + retry);
  return lines;
}

std::string failure_line(const summary_facts& facts, const counts& numbers) {
  if (!facts.message.empty()) return facts.message;
  if (signal_of(facts.stopped_by) != 0 && facts.exit_code > exit_status::of_signals)
    return fmt::format("stopped by {}", name_of(facts.stopped_by));
  switch (facts.exit_code) {
  case exit_status::success: return {};
  case exit_status::some_failed:
    return fmt::format("{} of {} files failed ({})", facts.failed, facts.done + facts.failed,
                       causes_text(numbers.causes));
  case exit_status::nothing_matched: return "nothing matched, and --error-on-empty is set";
  case exit_status::too_many_errors:
    return fmt::format("stopped after {} failed files ({})", facts.failed, causes_text(numbers.causes));
  case exit_status::out_of_time: return "stopped by --max-duration; the same command goes on";
  case exit_status::output_closed: return "stopped: nobody reads the output any more";
  default: return "the run ended early";
  }
}

std::string retry_text(std::span<const std::string> words) {
  std::string text;
  for (const auto& word : words) {
    if (word == "--no-resume" || word == "--overwrite") continue;
    if (!text.empty()) text += ' ';
    text += shell_quoted(word);
  }
  return text;
}

} // namespace hoist::cli
