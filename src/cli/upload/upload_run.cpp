// Three threads meet here:
//   main         signals, timers, the bar, the end of the run
//   the walk     batch.next: inputs, rows of what is skipped or cannot be taken
//   the reports  batch.sink: rows of what was settled
// Main never waits for another thread. The others are released by two signs: `intake_stop_` (take nothing more) and
// `abandon_` (do not even wait for the reader of the rows). One that hangs in a system call sees neither: main then
// leaves without it, writes the summary of what is settled, and ends the process. (A fourth, of end_watch, sees to
// that.)

#include "cli/upload/upload_run.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/exit_code.hpp"
#include "cli/base/library_words.hpp"
#include "cli/base/process.hpp"
#include "cli/base/signal_watch.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/options/type_map.hpp"
#include "cli/rows/log.hpp"
#include "cli/rows/output.hpp"
#include "cli/rows/progress_display.hpp"
#include "cli/rows/rows.hpp"
#include "cli/rows/summary.hpp"
#include "cli/rows/tally.hpp"
#include "cli/upload/run_inputs.hpp"

#include <hoist/uploader.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <filesystem>
#include <new>
#include <optional>
#include <system_error>

namespace hoist::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// What is in flight when the intake stops gets this long: the contract's bound.
constexpr auto drain_time = 20s;

/// After that, what is cut off answers at once, unless it hangs; and what is settled is written down, which takes long
/// for a manifest of millions of rows alone.
constexpr auto grace_time = 5s;
constexpr auto closing_time = 60s;

/// Further failures are in the rows; a log of a million lines helps nobody.
constexpr std::uint64_t failures_logged_max = 100;

/// A thread that found nothing of what it needs waits for the end of the process.
bool may_have_parked(stop_cause trouble) {
  return trouble == stop_cause::out_of_memory || trouble == stop_cause::out_of_threads;
}

class upload_run {
 public:
  upload_run(const settings& s, terminal& screen, std::shared_ptr<spdlog::logger> log)
      : settings_(s)
      , log_(std::move(log))
      , types_(types_of(s))
      , uploader_(made<uploader>(context_.get_executor(), s.library))
      , output_(s, abandon_, [this](row_writer::failure kind, int error) { output_failed(kind, error); })
      , inputs_(request_from(s, size_wanted::when_needed), own_files_of(s, output_), intake_stop_)
      , display_(s, screen, {screen.can_redraw(), output_.is_on_terminal()}) {}

  upload_run(const upload_run&) = delete;
  upload_run& operator=(const upload_run&) = delete;

  /// The library's threads call into what is below `uploader_`, so it has to fall silent first.
  ~upload_run() {
    intake_stop_.raise();
    abandon_.raise();
    auto last = std::move(uploader_);
  }

  summary_facts run() {
    began_ = std::chrono::steady_clock::now();
    try {
      listen();
      uploader_.async_upload_all(make_batch(),
                                 [this](error_code ec, batch_report report) { finish(ec, std::move(report)); });
      context_.run();
    } catch (const std::bad_alloc&) {
      run_out(stop_cause::out_of_memory);
    }
    if (!finished_) leave();
    display_.clear();
    return facts();
  }

  /// Somebody hangs: whoever waits for the library's threads, as its destructor does, would hang as well.
  bool has_left() const { return left_ || may_have_parked(trouble_so_far().cause); }

  counts numbers() const { return tally_.read(); }
  std::uint64_t hidden_taken() const { return inputs_.hidden_taken(); }

  /// The last row; with -L, what the file then holds is what the ledger has of these inputs. Returns the exit status,
  /// which is another one when that fails.
  int write_summary(const summary_facts& facts) {
    const bool ended_well = facts.exit_code == exit_status::success || facts.exit_code == exit_status::some_failed;
    try {
      output_.summary(summary_row(facts), facts.complete);
    } catch (const std::exception& failure) { // the disk, or no memory
      log_->error("the manifest could not be put right: {}; its rows are true, and the same command mends it",
                  escaped(failure.what()));
      return ended_well ? exit_status::fatal : facts.exit_code;
    }
    return status_after_output(facts.exit_code, output_.state());
  }

 private:
  // main ------------------------------------------------------------------------------------------------------------

  void listen() {
    signals_.begin();
    if (settings_.duration_max) {
      time_box_.expires_after(*settings_.duration_max);
      time_box_.async_wait([this](error_code ec) {
        if (!ec && !finished_) stop(stop_cause::out_of_time);
      });
    }
    if (display_.interval() > 0ms) await_tick();
  }

  void await_tick() {
    tick_.expires_after(display_.interval());
    tick_.async_wait([this](error_code ec) {
      if (ec || finished_) return;
      display_.update(std::chrono::steady_clock::now(), {uploader_.snapshot(), tally_.read(), inputs_.is_exhausted()});
      await_tick();
    });
  }

  void on_ask(const end_ask& ask) {
    if (ask.nth == 0) return on_trouble(ask);
    if (ask.nth == 1 && cause_ == stop_cause::none) {
      stop(ask.cause);
      // Only now: whoever reads this may hang as well.
      return log_->warn("{}: stopping; what is in flight may finish for {} s; once more stops at once",
                        name_of(ask.cause), drain_time.count());
    }
    end_within(second_signal_time, exit_status::of_signals + signal_of(signal_of(cause_) != 0 ? cause_ : ask.cause));
    give_up(second_signal_grace);
    log_->warn("stopping at once");
  }

  /// Without memory nothing of what is in flight comes to a good end.
  void on_trouble(const end_ask& ask) {
    if (ask.cause == stop_cause::log_failed) return stop(ask.cause);
    run_out(ask.cause);
    give_up(grace_time);
  }

  /// It explains whatever else has been said meanwhile: an answer that cannot be read, a row that cannot be kept.
  void run_out(stop_cause of_what) {
    cause_ = of_what;
    error_ = {};
  }

  /// Takes nothing more and lets what is in flight finish, in bounded time. The first cause counts.
  void stop(stop_cause cause) {
    if (cause_ != stop_cause::none || finished_) return;
    cause_ = cause;
    intake_stop_.raise();
    uploader_.cancel(stop_mode::drain);
    drain_.expires_after(drain_time);
    drain_.async_wait([this](error_code ec) {
      if (ec || finished_) return;
      give_up(grace_time);
      log_->warn("stopping at once: {} s have passed", drain_time.count());
    });
  }

  /// What does not come to its end in `grace` is left alone.
  void give_up(std::chrono::milliseconds grace) {
    intake_stop_.raise();
    abandon_.raise();
    grace_.expires_after(grace);
    grace_.async_wait([this](error_code ec) {
      if (!ec && !finished_) context_.stop();
    });
    uploader_.cancel(stop_mode::now);
  }

  /// The completion has not come; nothing that comes now is looked at.
  void leave() {
    left_ = true;
    finished_ = true;
    intake_stop_.raise();
    abandon_.raise();
    const auto moved = uploader_.snapshot();
    if (!error_) error_ = errc::cancelled;
    report_.complete = false;
    report_.bytes = moved.bytes_done;
    report_.presigns = moved.presigns;
    report_.puts = moved.puts;
    report_.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began_);
    const auto numbers = tally_.read();
    report_.unsettled = numbers.taken - std::min(numbers.taken, numbers.settled);
  }

  void finish(error_code ec, batch_report report) {
    finished_ = true;
    error_ = ec;
    report_ = std::move(report);
    intake_stop_.raise();
    signals_.end();
    time_box_.cancel();
    drain_.cancel();
    grace_.cancel();
    tick_.cancel();
    // It may have been the end before it was told that it was one.
    log_->flush();
    const auto trouble = trouble_so_far().cause;
    if (trouble == stop_cause::out_of_memory && !report_.complete) run_out(trouble);
    if (trouble == stop_cause::log_failed && cause_ == stop_cause::none) cause_ = trouble;
  }

  summary_facts facts() const {
    const auto numbers = tally_.read();
    summary_facts facts;
    facts.batch = report_;
    facts.done = numbers.done;
    facts.failed = numbers.failed;
    facts.skipped = numbers.skipped;
    facts.from_ledger = numbers.from_ledger;
    if (inputs_.is_exhausted()) facts.unsettled = report_.unsettled;
    facts.complete = inputs_.is_exhausted() && report_.complete && listing_error().empty();
    facts.error = error_ == errc::cancelled ? error_code{} : error_;
    facts.stopped_by = cause_;
    facts.message = message();
    facts.exit_code = exit_code({.cause = cause_,
                                 .error = error_,
                                 .complete = facts.complete,
                                 .any_failed = numbers.failed > 0,
                                 .any_taken = numbers.taken + numbers.failed > 0,
                                 .error_on_empty = settings_.error_on_empty});
    return facts;
  }

  /// The walk's thread may be writing it, as long as it has not ended.
  std::string listing_error() const { return left_ ? std::string{} : listing_error_; }

  /// What ended the run, in one sentence; empty when nothing did but a signal or a limit that was asked for.
  std::string message() const {
    if (is_trouble(cause_)) return ended_by_text({cause_, 0, trouble_so_far().error});
    if (!listing_error().empty()) return "the inputs could not be listed: " + listing_error();
    if (cause_ == stop_cause::output_failed) return rows_unwritable(output_error_);
    if (!error_ || error_ == errc::cancelled) {
      return report_.complete || cause_ != stop_cause::none ? std::string{} : report_.details.message;
    }
    return fatal_text(error_, report_.details, settings_.library.endpoint);
  }

  // any thread ------------------------------------------------------------------------------------------------------

  void request_stop(stop_cause cause) {
    intake_stop_.raise();
    asio::post(context_, [this, cause] { stop(cause); });
  }

  void output_failed(row_writer::failure kind, int error) {
    output_error_ = error;
    request_stop(kind == row_writer::failure::closed ? stop_cause::output_closed : stop_cause::output_failed);
  }

  void tell_failure(std::string_view path, std::string_view code, const std::string& message) {
    const auto failed = tally_.failed();
    if (failed <= failures_logged_max) log_->error("{}: {} ({})", escaped(path), escaped(message), code);
    if (failed == failures_logged_max) log_->warn("further failed files are only in the rows");
    if (settings_.errors_max > 0 && failed >= settings_.errors_max) request_stop(stop_cause::too_many_errors);
  }

  // the walk's thread -----------------------------------------------------------------------------------------------

  batch make_batch() {
    batch b;
    b.next = [this] { return next(); };
    b.sink = [this](file_report&& report) {
      try {
        settle(report);
      } catch (const std::bad_alloc&) { // the ledger has it, and so has the next run's manifest
        ask_to_end(stop_cause::out_of_memory);
      }
    };
    b.flush = [this] { output_.flush(); };
    b.watch.on_stop = [this] { intake_stop_.raise(); };
    b.watch.on_log = [this](severity s, const std::string& text) { log_->log(level_of(s), "{}", text); };
    b.watch.log_from = severity_of(*log_);
    return b;
  }

  std::optional<source> next() {
    try {
      return next_taken();
    } catch (const std::exception& failure) {
      listing_error_ = escaped(failure.what());
      return std::nullopt;
    }
  }

  std::optional<source> next_taken() {
    while (auto decided = inputs_.next()) {
      if (decided->repeated && !first_times_settled_ && !wait_for_first_times()) return std::nullopt;
      tally_.add(*decided);
      if (decided->what == input::fate::take) {
        auto type = asked_type_of(settings_, types_, decided->path);
        auto file = source::file(std::move(decided->path), std::move(type));
        file.link_free_from = decided->link_free_from;
        return file;
      }
      if (output_.wants_rows()) output_.row(result_row(*decided));
      if (decided->what == input::fate::fail) tell_failure(decided->path, name_of(decided->code), decided->message);
    }
    return std::nullopt;
  }

  /// A repeated entry is answered from the ledger, so what it repeats has to be settled. False: the run is stopping.
  bool wait_for_first_times() {
    while (!intake_stop_.is_up()) {
      if (tally_.wait_until_settled(100ms)) return first_times_settled_ = true;
    }
    return false;
  }

  // the reports' thread ---------------------------------------------------------------------------------------------

  void settle(const file_report& report) {
    // A file that was given up is unsettled: it has no row, so the next run takes it again.
    if (report.error == errc::cancelled) return;
    tally_.add(report);
    if (output_.wants_rows()) output_.collect_row(result_row(report));
    if (!report.error) return output_.collect_url(report.public_url);
    if (report.error == errc::not_failed_before) return;
    tell_failure(report.path.native(), code_name(report.error), failure_text(report.error, report.details));
  }

  const settings& settings_;
  std::shared_ptr<spdlog::logger> log_;
  type_map types_;
  stop_sign intake_stop_;
  stop_sign abandon_;
  tally tally_;
  asio::io_context context_;
  signal_watch signals_{context_, [this](const end_ask& ask) { on_ask(ask); }, drain_time + grace_time + closing_time};
  asio::steady_timer time_box_{context_};
  asio::steady_timer drain_{context_};
  asio::steady_timer grace_{context_};
  asio::steady_timer tick_{context_};
  uploader uploader_;
  output output_;
  intake inputs_;
  progress_display display_;

  stop_cause cause_ = stop_cause::none;
  bool finished_ = false;
  bool left_ = false;
  std::chrono::steady_clock::time_point began_;
  error_code error_;
  batch_report report_;
  bool first_times_settled_ = false; ///< the walk's thread alone
  std::string listing_error_;        ///< written by the walk's thread before the batch completes
  std::atomic<int> output_error_{0};
};

void tell_end(const settings& s, const summary_facts& facts, const counts& numbers, std::uint64_t hidden,
              std::span<const std::string> words, terminal& screen, spdlog::logger& log) {
  if (s.summary) {
    for (const auto& line : summary_lines(facts, numbers, hidden, retry_text(words))) screen.print("hoist: " + line);
  }
  if (const auto line = failure_line(facts, numbers); !line.empty()) log.error("{}", line);
}

} // namespace

int run_upload(const settings& s, std::span<const std::string> words, terminal& screen,
               const std::shared_ptr<spdlog::logger>& log) {
  check_output(s); // before the ledger is made, which would make another refusal of the next time
  upload_run run(s, screen, log);
  auto facts = run.run();
  facts.exit_code = run.write_summary(facts);
  tell_end(s, facts, run.numbers(), run.hidden_taken(), words, screen, *log);
  log->flush();
  if (run.has_left()) ::_exit(facts.exit_code);
  return facts.exit_code;
}

} // namespace hoist::cli
