// Two threads meet here: main (signals, the end) and the remover's (ids, rows). Rows are dropped rather than waited for
// once `abandon_` is up.

#include "cli/delete_command.hpp"

#include "cli/delete_settings.hpp"
#include "cli/escape.hpp"
#include "cli/help.hpp"
#include "cli/id_list.hpp"
#include "cli/key_file.hpp"
#include "cli/library_words.hpp"
#include "cli/log.hpp"
#include "cli/removal_rows.hpp"
#include "cli/row_writer.hpp"
#include "cli/rows.hpp"
#include "cli/signal_watch.hpp"

#include <hoist/remover.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <unistd.h>

#include <atomic>
#include <memory>

namespace hoist::cli {

namespace {

namespace asio = boost::asio;

constexpr std::uint64_t failures_logged_max = 100;

class delete_run {
 public:
  delete_run(const settings& s, std::shared_ptr<spdlog::logger> log)
      : settings_(s)
      , log_(std::move(log))
      , ids_(s.paths)
      , remover_(made<remover>(context_.get_executor(), s.library))
      , rows_(copy_of(STDOUT_FILENO), abandon_, [this](row_writer::failure kind, int error) { output_failed(kind, error); }) {}

  delete_run(const delete_run&) = delete;
  delete_run& operator=(const delete_run&) = delete;

  /// The remover's thread calls into what is below it, so it has to fall silent first.
  ~delete_run() {
    abandon_.raise();
    auto last = std::move(remover_);
  }

  removal_facts run() {
    signals_.begin();
    removal all;
    all.next = [this] { return next(); };
    all.sink = [this](removal_report&& report) { settle(report); };
    remover_.async_remove_all(std::move(all), [this](error_code ec, removal_totals totals) {
      signals_.end();
      facts_.error = ec == errc::cancelled ? error_code{} : ec;
      facts_.totals = std::move(totals);
    });
    context_.run();
    conclude();
    rows_.write(removal_summary_row(facts_));
    facts_.exit_code = status_after_output(facts_.exit_code, rows_.state());
    if (rows_.state() == row_writer::failure::system && facts_.message.empty()) facts_.message = rows_unwritable(output_error_);
    return facts_;
  }

 private:
  // main

  void on_signal(int number, int nth) {
    if (nth == 1) {
      log_->warn("stopping: what is under way is waited for; once more stops at once");
      return stop(cause_of(number), stop_mode::drain);
    }
    log_->warn("stopping at once");
    abandon_.raise();
    remover_.cancel(stop_mode::now);
  }

  void stop(stop_cause cause, stop_mode how) {
    if (facts_.stopped_by == stop_cause::none) facts_.stopped_by = cause;
    remover_.cancel(how);
  }

  void conclude() {
    facts_.unreadable = ids_.unreadable();
    facts_.complete = facts_.totals.complete && listing_error_.empty();
    if (facts_.error)
      facts_.message = fatal_text(facts_.error, facts_.totals.details, settings_.library.endpoint);
    else if (!listing_error_.empty())
      facts_.message = "the ids could not be read: " + listing_error_;
    facts_.exit_code = exit_code({.cause = facts_.stopped_by,
                                  .error = facts_.error,
                                  .complete = facts_.complete,
                                  .any_failed = facts_.totals.failed > 0 || facts_.unreadable > 0,
                                  .any_taken = true});
  }

  // the remover's thread

  std::optional<std::string> next() {
    try {
      return ids_.next();
    } catch (const std::exception& failure) {
      listing_error_ = escaped(failure.what());
      return std::nullopt;
    }
  }

  void settle(const removal_report& report) {
    rows_.write(removal_row(report));
    if (!report.error) return;
    const auto failed = ++failed_;
    if (failed <= failures_logged_max)
      log_->error("{}: {} ({})", escaped(report.id), escaped(failure_text(report.error, report.details)),
                  code_name(report.error));
    if (failed == failures_logged_max) log_->warn("further failures are only in the rows");
  }

  void output_failed(row_writer::failure kind, int error) {
    output_error_ = error;
    const auto cause = kind == row_writer::failure::closed ? stop_cause::output_closed : stop_cause::output_failed;
    asio::post(context_, [this, cause] { stop(cause, stop_mode::drain); });
  }

  const settings& settings_;
  std::shared_ptr<spdlog::logger> log_;
  stop_sign abandon_;
  id_list ids_;
  asio::io_context context_;
  signal_watch signals_{context_, [this](int number, int nth) { on_signal(number, nth); }};
  remover remover_;
  row_writer rows_;
  removal_facts facts_;
  std::atomic<int> output_error_{0};
  std::uint64_t failed_ = 0;  ///< the remover's thread alone
  std::string listing_error_; ///< written by it before the end
};

int rehearse(const settings& s) {
  id_list ids(s.paths);
  std::uint64_t count = 0;
  while (const auto id = ids.next()) {
    ++count;
    if (const int status = print_text(removal_plan_row(*id)); status != exit_status::success) return status;
  }
  auto line = row("summary");
  line.truth("complete", true).truth("dry_run", true).number("delete", count);
  line.number("unreadable_lines", ids.unreadable());
  return print_text(std::move(line).finish());
}

} // namespace

int delete_command(std::span<const std::string> words, const environment& variables) {
  const auto typed = parse_arguments(delete_spec(), words.subspan(2), variables);
  if (typed.is_on("help")) return print_text(delete_help());
  if (typed.is_on("version")) return print_text(version_text());

  auto s = delete_settings_from(typed, variables);
  terminal screen(STDERR_FILENO, variables("TERM").value_or(""));
  const auto log = make_log(s, screen);
  if (s.dry_run) return rehearse(s);
  load_key(s);
  delete_run run(s, log);
  const auto facts = run.run();
  if (facts.unreadable > 0) log->error("{} lines were neither a row nor an id", facts.unreadable);
  if (s.summary) screen.print("hoist: " + removal_line(facts));
  if (!facts.message.empty()) log->error("{}", facts.message);
  return facts.exit_code;
}

} // namespace hoist::cli
