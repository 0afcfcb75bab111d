#include "cli/rows/rows.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/library_words.hpp"

#include <spdlog/fmt/fmt.h>

namespace hoist::cli {

namespace {

/// One of two keys, so that neither is ever a lie: a name that is no UTF-8 has no JSON string.
void add_path(json_line& line, std::string_view path) {
  if (is_utf8(path)) {
    line.text("path", path);
  } else {
    line.text("path_b64", base64(path));
  }
}

void add_text(json_line& line, std::string_view key, std::string_view value) {
  if (!value.empty()) line.text(key, value);
}

std::uint64_t unsigned_of(std::int64_t n) {
  return n > 0 ? static_cast<std::uint64_t>(n) : 0;
}

} // namespace

json_line row(std::string_view type) {
  json_line line;
  line.number("v", 1).text("type", type);
  return line;
}

std::string_view code_name(error_code ec) {
  if (ec.category() != category()) return "unexpected";
  return name_of(static_cast<errc>(ec.value()));
}

void add_error(json_line& line, error_code ec, const diagnostics& details) {
  line.open("error").text("code", code_name(ec)).text("phase", name_of(details.where));
  const auto status = static_cast<std::uint64_t>(details.http_status);
  line.number("http_status", details.http_status > 0 ? std::optional(status) : std::nullopt);
  line.text_or_null("storage_code", details.storage_code).text_or_null("request_id", details.request_id);
  line.text("message", failure_text(ec, details));
  if (!details.server_message.empty()) line.text("server_message", details.server_message);
  line.close();
}

std::string utc_text(wall_time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto ms = (time - day).count();
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), ms / 3'600'000,
                     ms / 60'000 % 60, ms / 1000 % 60, ms % 1000);
}

std::string result_row(const file_report& report) {
  auto line = row("result");
  add_path(line, report.path.native());
  if (report.error == errc::not_failed_before)
    return std::move(line.text("status", "skipped").number("size", report.size).text("reason", not_failed_reason))
        .finish();
  const bool done = !report.error;
  line.text("status", done ? "done" : "failed");
  if (done || report.size > 0) line.number("size", report.size);
  add_text(line, "content_type", report.content_type);
  add_text(line, "id", report.id);
  add_text(line, "public_url", report.public_url);
  add_text(line, "etag", report.etag);
  if (done) line.text("verified", name_of(report.verified));
  if (report.retained_until) line.text("retained_until", utc_text(*report.retained_until));
  line.number("attempts", unsigned_of(report.attempts)).number("presigns", unsigned_of(report.presigns));
  line.number("ms", unsigned_of(report.elapsed.count()));
  if (report.from_ledger) line.truth("from_ledger", true);
  if (!done) add_error(line, report.error, report.details);
  return std::move(line).finish();
}

std::string result_row(const input& decided) {
  auto line = row("result");
  add_path(line, decided.path);
  const bool skipped = decided.what == input::fate::skip;
  line.text("status", skipped ? "skipped" : "failed");
  if (decided.size) line.number("size", *decided.size);
  if (skipped) {
    line.text("reason", name_of(decided.reason));
  } else {
    diagnostics details;
    details.message = decided.message;
    add_error(line, make_error_code(decided.code), details);
  }
  return std::move(line).finish();
}

plan plan_for(const input& decided, std::uint64_t bytes_max) {
  switch (decided.what) {
  case input::fate::skip: return {"skip", name_of(decided.reason), {}};
  case input::fate::fail: return {"fail", name_of(decided.code), decided.message};
  case input::fate::take: break;
  }
  if (bytes_max == 0 || decided.size.value_or(0) <= bytes_max) return {"upload", {}, {}};
  return {"fail", name_of(errc::source_too_large), "it is larger than the API takes"};
}

std::string plan_row(const input& decided, const plan& plan, std::string_view content_type) {
  auto line = row("plan");
  add_path(line, decided.path);
  line.text("action", plan.action);
  add_text(line, "reason", plan.reason);
  add_text(line, "message", plan.message);
  if (decided.size) line.number("size", *decided.size);
  add_text(line, "content_type", content_type);
  return std::move(line).finish();
}

void add_end(json_line& line, const run_end& end) {
  line.number("exit_code", static_cast<std::uint64_t>(end.exit_code));
  if (end.stopped_by != stop_cause::none) line.text("stopped_by", name_of(end.stopped_by));
  if (end.message.empty()) return;
  line.open("error").text("code", end.error ? code_name(end.error) : "unexpected");
  line.text("message", end.message).close();
}

std::string summary_row(const summary_facts& facts) {
  auto line = row("summary");
  line.truth("complete", facts.complete);
  line.number("done", facts.done).number("failed", facts.failed).number("skipped", facts.skipped);
  line.number("unsettled", facts.unsettled).number("from_ledger", facts.from_ledger);
  line.number("bytes", facts.batch.bytes);
  line.seconds("seconds", static_cast<double>(facts.batch.elapsed.count()) / 1000);
  line.number("presigns", facts.batch.presigns).number("puts", facts.batch.puts);
  line.text("limited_by", name_of(facts.batch.limited_by));
  add_text(line, "limited_detail", facts.batch.limited_detail);
  add_end(line, {facts.exit_code, facts.stopped_by, facts.error, facts.message});
  return std::move(line).finish();
}

std::string plan_summary_row(const plan_facts& facts) {
  auto line = row("summary");
  line.truth("complete", facts.complete).truth("dry_run", true);
  line.number("upload", facts.upload).number("skip", facts.skip).number("fail", facts.fail);
  line.number("bytes", facts.bytes);
  return std::move(line).finish();
}

} // namespace hoist::cli
