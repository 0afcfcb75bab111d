// One coroutine on the main thread tells the whole in order; signals arrive beside it. The first one ends the
// measuring, never the deletion; the second ends everything at once.

#include "cli/bench/bench_run.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/library_words.hpp"
#include "cli/base/process.hpp"
#include "cli/base/signal_watch.hpp"
#include "cli/base/units.hpp"
#include "cli/bench/bench_measurement.hpp"
#include "cli/bench/bench_report.hpp"
#include "cli/bench/bench_rows.hpp"
#include "cli/bench/leftovers.hpp"
#include "cli/rows/progress_display.hpp"
#include "cli/rows/row_writer.hpp"
#include "cli/rows/rows.hpp"

#include <hoist/remover.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <spdlog/fmt/fmt.h>

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace hoist::cli {

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto redraw_every = 100ms;

/// Bytes that no compression on the way makes fewer.
std::shared_ptr<const std::string> random_bytes(std::uint64_t count) {
  auto bytes = std::make_shared<std::string>(count, '\0');
  for (std::size_t at = 0; at < bytes->size();) {
    const auto got = ::getrandom(bytes->data() + at, bytes->size() - at, 0);
    if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
    if (got > 0) at += static_cast<std::size_t>(got);
  }
  return bytes;
}

double seconds_since(clock::time_point then) {
  return std::chrono::duration<double>(clock::now() - then).count();
}

class bench_run {
 public:
  bench_run(const bench_settings& s, terminal& screen, std::shared_ptr<spdlog::logger> log)
      : settings_(s)
      , screen_(screen)
      , log_(std::move(log))
      , out_(copy_of(STDOUT_FILENO), abandon_,
             [this](row_writer::failure kind, int error) { output_failed(kind, error); })
      , table_(STDOUT_FILENO, "")
      , shape_(progress_display::choose(s.common.progress,
                                        {screen.can_redraw(), s.json && ::isatty(STDOUT_FILENO) == 1})) {
    // Options that the library refuses are found before anything is said or sent.
    const auto refused_or_fine = made<remover>(context_.get_executor(), s.common.library);
  }

  bench_facts run() {
    signals_.begin();
    asio::co_spawn(context_, tell(), [this](std::exception_ptr failure) {
      finished_ = true;
      signals_.end();
      tick_.cancel();
      grace_.cancel();
      failure_ = failure;
    });
    context_.run();
    screen_.clear_bar();
    if (failure_) {
      facts_.left = objects_.count();
      save_leftovers();
      std::rethrow_exception(failure_);
    }
    return conclude();
  }

  /// Somebody hangs, and must not be waited for.
  bool has_left() const { return !finished_; }

 private:
  // the story ---------------------------------------------------------------------------------------------------------

  asio::awaitable<void> tell() {
    std::exception_ptr broken;
    try {
      co_await measure_all();
    } catch (...) { // what was made until then is deleted all the same
      broken = std::current_exception();
      measurement_.reset();
    }
    facts_.complete = !is_over();
    if (!settings_.keep) co_await delete_all();
    if (broken) std::rethrow_exception(broken);
  }

  asio::awaitable<void> measure_all() {
    bench_budget budget(settings_.limits, settings_.sizes.size());
    for (const auto size : settings_.sizes) {
      budget.begin_size(size);
      co_await sweep(size, budget);
      if (is_over()) break;
    }
  }

  asio::awaitable<void> sweep(std::uint64_t size, bench_budget& budget) {
    const auto payload = random_bytes(size);
    bench_sweep& sweep = sweeps_.emplace_back(settings_.concurrency);
    while (const auto concurrency = sweep.next()) {
      const auto objects = budget.objects_for(*concurrency, settings_.count);
      if (objects == 0) {
        sweep.end(sweep_end::budget);
        break;
      }
      bench_meter::plan plan{size, *concurrency, objects, settings_.duration};
      auto measured = co_await measure(plan, payload);
      budget.spent(measured.sent);
      if (is_over()) { // it was cut short, and says nothing
        sweep.end(sweep_end::stopped);
        break;
      }
      tell_cell(measured.cell);
      sweep.add(std::move(measured.cell));
    }
    tell_sweep(sweep);
  }

  asio::awaitable<bench_measurement::result> measure(bench_meter::plan plan,
                                                     std::shared_ptr<const std::string> payload) {
    measurement_.emplace(context_, settings_.common.library, plan, std::move(payload), objects_, *log_);
    now_at_ = plan;
    await_tick();
    auto measured = co_await measurement_->run();
    tick_.cancel();
    measurement_.reset();
    ++facts_.cells;
    facts_.failed += measured.cell.failed;
    facts_.bytes += measured.cell.all_done * plan.size;
    if (measured.error && measured.error != errc::cancelled) {
      facts_.error = measured.error;
      facts_.message = fatal_text(measured.error, measured.details, settings_.common.library.endpoint);
    }
    co_return measured;
  }

  asio::awaitable<void> delete_all() {
    if (objects_.count() == 0) co_return;
    if (signals_.seen() > 1) co_return; // whoever asked twice does not want to wait
    const auto began = clock::now();
    remover_.emplace(made<remover>(context_.get_executor(), settings_.common.library));
    const auto before = objects_.count();
    await_tick();
    removal all;
    all.next = [ids = objects_.ids(), at = std::size_t{0}]() mutable -> std::optional<std::string> {
      if (at == ids.size()) return std::nullopt;
      return ids[at++];
    };
    all.sink = [this](removal_report&& report) { settle(report); };
    auto ended = co_await remover_->async_remove_all(std::move(all), asio::as_tuple(asio::use_awaitable));
    tick_.cancel();
    auto& [ec, totals] = ended;
    facts_.deleted = before - objects_.count();
    facts_.delete_seconds = seconds_since(began);
    if (ec && ec != errc::cancelled)
      log_->error("the deletion ended early: {}", fatal_text(ec, totals.details, settings_.common.library.endpoint));
    remover_.reset();
  }

  /// The remover's thread.
  void settle(const removal_report& report) {
    if (!report.error) return objects_.gone(report.id);
    if (report.error == errc::not_stored && objects_.unknown(report.id)) return;
    if (!std::exchange(deletion_failure_told_, true))
      log_->error("an object could not be deleted: {} ({}); others are only counted",
                  escaped(failure_text(report.error, report.details)), code_name(report.error));
  }

  bool is_over() const { return facts_.stopped_by != stop_cause::none || facts_.error; }

  // signals -----------------------------------------------------------------------------------------------------------

  void on_ask(const end_ask& ask) {
    if (ask.nth == 0) return on_trouble(ask);
    if (ask.nth == 1) {
      stop(ask.cause);
      return log_->warn("{}; once more stops at once", remover_         ? "deleting what was made"
                                                       : settings_.keep ? "stopping"
                                                                        : "stopping: what was made will be deleted");
    }
    give_up();
    log_->warn("stopping at once");
  }

  void on_trouble(const end_ask& ask) {
    facts_.message = ended_by_text(ask);
    stop(ask.cause);
    if (ask.cause != stop_cause::log_failed && measurement_) measurement_->stop(stop_mode::now);
  }

  /// What does not come to its end in time is left alone; what it made is listed.
  void give_up() {
    abandon_.raise();
    grace_.expires_after(second_signal_grace);
    grace_.async_wait([this](error_code ec) {
      if (!ec && !finished_) context_.stop();
    });
    if (measurement_) measurement_->stop(stop_mode::now);
    if (remover_) remover_->cancel(stop_mode::now);
  }

  /// Ends the measuring; deleting goes on.
  void stop(stop_cause cause) {
    if (facts_.stopped_by == stop_cause::none) facts_.stopped_by = cause;
    if (measurement_) measurement_->stop(stop_mode::drain);
  }

  void output_failed(row_writer::failure kind, int error) {
    const bool closed = kind == row_writer::failure::closed;
    if (!closed) facts_.message = rows_unwritable(error);
    stop(closed ? stop_cause::output_closed : stop_cause::output_failed);
  }

  // what is shown -----------------------------------------------------------------------------------------------------

  void await_tick() {
    if (shape_ != progress_display::shape::bar) return;
    tick_.expires_after(redraw_every);
    tick_.async_wait([this](error_code ec) {
      if (ec || finished_) return;
      screen_.show_bar(bar().substr(0, screen_.width() - 1));
      await_tick();
    });
  }

  std::string bar() const {
    if (!measurement_) return fmt::format("deleting: {} to go", objects_.count());
    std::string text = fmt::format("{}, {} at once: {} objects/s", object_size_text(now_at_.size), now_at_.concurrency,
                                   rate_text(measurement_->rate()));
    const auto& cells = sweeps_.back().cells();
    for (const auto& cell : cells)
      text += fmt::format("{}{}: {}", &cell == &cells.front() ? "  (" : ", ", cell.concurrency,
                          rate_text(cell.objects_per_second()));
    return cells.empty() ? text : text + ")";
  }

  void tell_cell(const bench_cell& cell) {
    screen_.clear_bar();
    if (settings_.json) out_.write(cell_row(cell));
    if (shape_ == progress_display::shape::plain) screen_.print("hoist: " + cell_line(cell));
  }

  void tell_sweep(const bench_sweep& sweep) {
    screen_.clear_bar();
    if (sweep.cells().empty()) return;
    if (settings_.json) return out_.write(knee_row(sweep));
    for (const auto& line : sweep_table(sweep, table_.width())) out_.write(line + "\n");
    out_.write("\n");
  }

  bench_facts conclude() {
    facts_.kept = settings_.keep;
    facts_.left = objects_.count();
    facts_.made = facts_.deleted + facts_.left;
    facts_.seconds = seconds_since(begun_);
    facts_.exit_code = exit_code({.cause = facts_.stopped_by,
                                  .error = facts_.error,
                                  .complete = facts_.complete,
                                  .any_failed = facts_.failed > 0 || (facts_.left > 0 && !settings_.keep),
                                  .any_taken = true});
    save_leftovers();
    if (settings_.json)
      out_.write(bench_summary_row(facts_));
    else if (const auto line = closing_text(sweeps_); !line.empty())
      for (const auto& wrapped : wrapped_text(line, table_.width())) out_.write(wrapped + "\n");
    facts_.exit_code = status_after_output(facts_.exit_code, out_.state());
    return facts_;
  }

  void save_leftovers() {
    if (facts_.left == 0) return;
    const auto ids = objects_.ids();
    try {
      append_leftovers(settings_.left, ids);
    } catch (const std::system_error& failure) {
      log_->error("--left: {}; the ids follow", escaped(failure.what()));
      for (const auto& id : ids) screen_.print(escaped(id));
    }
  }

  const bench_settings& settings_;
  terminal& screen_;
  std::shared_ptr<spdlog::logger> log_;
  const clock::time_point begun_ = clock::now();
  stop_sign abandon_;
  asio::io_context context_;
  // No bound: deleting what was made takes its time.
  signal_watch signals_{context_, [this](const end_ask& ask) { on_ask(ask); }, 0ms};
  asio::steady_timer grace_{context_};
  asio::steady_timer tick_{context_};
  row_writer out_;
  terminal table_; ///< stdout, for its width
  progress_display::shape shape_;
  made_objects objects_;
  std::vector<bench_sweep> sweeps_;
  std::optional<bench_measurement> measurement_;
  bench_meter::plan now_at_;
  std::optional<remover> remover_;
  bench_facts facts_;
  bool finished_ = false;
  bool deletion_failure_told_ = false; ///< the remover's thread alone
  std::exception_ptr failure_;
};

/// What became of the objects, in one line.
std::string objects_line(const bench_facts& facts, const bench_settings& s) {
  auto text = fmt::format("made {} objects, {}", facts.made, size_text(static_cast<double>(facts.bytes)));
  if (facts.failed > 0) text += fmt::format(", {} uploads failed", facts.failed);
  if (facts.deleted > 0)
    text +=
        fmt::format(", deleted {} in {}", facts.left == 0 ? "all" : std::to_string(facts.deleted),
                    duration_text(std::chrono::milliseconds(static_cast<std::int64_t>(facts.delete_seconds * 1000))));
  if (facts.left > 0) {
    const auto file = s.left.native();
    text += fmt::format("; {} are still there, their ids are in {}: hoist delete {}", facts.left, escaped(file),
                        shell_quoted(file));
  }
  return text;
}

} // namespace

int run_bench(const bench_settings& s, terminal& screen, const std::shared_ptr<spdlog::logger>& log) {
  bench_run run(s, screen, log);
  const auto facts = run.run();
  const bool quiet = s.common.log_level > verbosity::warning;
  if (facts.made > 0 && (!quiet || facts.left > 0)) screen.print("hoist: " + objects_line(facts, s));
  if (!facts.message.empty()) log->error("{}", facts.message);
  log->flush();
  if (run.has_left()) ::_exit(facts.exit_code);
  return facts.exit_code;
}

} // namespace hoist::cli
