// Two threads meet here: main (signals, the end) and the remover's (ids, rows). Rows are dropped rather than waited for
// once `abandon_` is up.

#include "cli/remove/delete_command.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/library_words.hpp"
#include "cli/base/process.hpp"
#include "cli/base/signal_watch.hpp"
#include "cli/options/help.hpp"
#include "cli/options/key_file.hpp"
#include "cli/remove/delete_settings.hpp"
#include "cli/remove/id_list.hpp"
#include "cli/remove/removal_rows.hpp"
#include "cli/rows/log.hpp"
#include "cli/rows/row_writer.hpp"
#include "cli/rows/rows.hpp"

#include <hoist/remover.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>

namespace hoist::cli {

namespace {

namespace asio = boost::asio;

using namespace std::chrono_literals;

// As an upload has them.
constexpr auto drain_time = 20s;
constexpr auto grace_time = 5s;

constexpr std::uint64_t failures_logged_max = 100;

class delete_run {
 public:
  delete_run(const settings& s, std::shared_ptr<spdlog::logger> log)
      : settings_(s)
      , log_(std::move(log))
      , ids_(s.paths)
      , remover_(made<remover>(context_.get_executor(), s.library))
      , rows_(copy_of(STDOUT_FILENO), abandon_,
              [this](row_writer::failure kind, int error) { output_failed(kind, error); }) {}

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
      finished_ = true;
      signals_.end();
      drain_.cancel();
      grace_.cancel();
      facts_.error = ec == errc::cancelled ? error_code{} : ec;
      facts_.totals = std::move(totals);
    });
    context_.run();
    conclude();
    rows_.write_last(removal_summary_row(facts_));
    facts_.exit_code = status_after_output(facts_.exit_code, rows_.state());
    if (rows_.state() == row_writer::failure::system && facts_.message.empty())
      facts_.message = rows_unwritable(output_error_);
    return facts_;
  }

  /// Somebody hangs, and must not be waited for.
  bool has_left() const { return !finished_; }

 private:
  // main

  void on_ask(const end_ask& ask) {
    if (ask.nth == 0) {
      stop(ask.cause, ask.cause == stop_cause::log_failed ? stop_mode::drain : stop_mode::now);
      return give_up_after(ask.cause == stop_cause::log_failed ? drain_time : grace_time);
    }
    if (ask.nth == 1) {
      stop(ask.cause, stop_mode::drain);
      give_up_after(drain_time);
      return log_->warn("stopping: what is under way is waited for; once more stops at once");
    }
    give_up(second_signal_grace);
    log_->warn("stopping at once");
  }

  void stop(stop_cause cause, stop_mode how) {
    if (facts_.stopped_by == stop_cause::none) facts_.stopped_by = cause;
    remover_.cancel(how);
  }

  void give_up_after(std::chrono::milliseconds time) {
    drain_.expires_after(time);
    drain_.async_wait([this](error_code ec) {
      if (!ec && !finished_) give_up(grace_time);
    });
  }

  /// What does not come to its end in `grace` is left alone.
  void give_up(std::chrono::milliseconds grace) {
    abandon_.raise();
    grace_.expires_after(grace);
    grace_.async_wait([this](error_code ec) {
      if (!ec && !finished_) context_.stop();
    });
    remover_.cancel(stop_mode::now);
  }

  void conclude() {
    if (finished_) { // else the remover's thread may be writing them
      facts_.unreadable = ids_.unreadable();
      facts_.complete = facts_.totals.complete && listing_error_.empty();
    }
    if (is_trouble(facts_.stopped_by))
      facts_.message = ended_by_text(trouble_so_far());
    else if (facts_.error)
      facts_.message = fatal_text(facts_.error, facts_.totals.details, settings_.library.endpoint);
    else if (finished_ && !listing_error_.empty())
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
  signal_watch signals_{context_, [this](const end_ask& ask) { on_ask(ask); }, drain_time + 3 * grace_time};
  asio::steady_timer drain_{context_};
  asio::steady_timer grace_{context_};
  remover remover_;
  row_writer rows_;
  removal_facts facts_;
  bool finished_ = false;
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
  log->flush();
  if (run.has_left()) ::_exit(facts.exit_code);
  return facts.exit_code;
}

} // namespace hoist::cli
