#include "engine/operation/run.hpp"

#include "core/base/limits.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

namespace hoist::engine {

namespace {

std::string host_detail(std::uint64_t us_p99, std::uint64_t window, std::uint64_t throttled, std::uint64_t rate) {
  std::string text =
      "p99 " + (us_p99 < 10'000 ? std::to_string(us_p99) + " us" : std::to_string(us_p99 / 1000) + " ms");
  text += ", " + std::to_string(window) + " at a time";
  if (throttled > 0) text += ", throttled x" + std::to_string(throttled);
  if (rate > 0) text += ", held to " + std::to_string(rate) + "/s";
  return text;
}

std::string detail_of(limit what, const counters& c) {
  switch (what) {
  case limit::presign_api:
    return host_detail(c.presign_us_p99, c.presigns_window, c.presigns_throttled, c.presign_rate_limit);
  case limit::storage:
  case limit::concurrency: return host_detail(c.put_us_p99, c.puts_window, c.puts_throttled, c.put_rate_limit);
  default: return {};
  }
}

} // namespace

run::run(batch all, detail::batch_callback done, core::instant now)
    : single_(false)
    , hears_lines_(all.watch.on_log != nullptr)
    , log_from_(all.watch.log_from)
    , all_(std::move(all))
    , all_done_(std::move(done))
    , started_(now)
    , on_stop_(all_.watch.on_stop)
    , reports_(std::make_unique<report_queue>()) {
  if (all_.watch.on_progress) progress_due_ = now;
}

run::run(detail::upload_callback done, core::instant now)
    : single_(true), hears_lines_(false), one_done_(std::move(done)), started_(now) {
  source_drained_ = true; // its one file is all there is
}

bool run::request_stop(stop_mode how) noexcept {
  const int wanted = how == stop_mode::now ? 2 : 1;
  int was = stop_.load();
  while (was < wanted && !stop_.compare_exchange_weak(was, wanted)) {
  }
  if (was >= wanted) return false;
  const std::lock_guard lock(room_mutex_);
  room_.notify_all();
  if (const auto tell = std::exchange(on_stop_, {})) tell();
  return true;
}

bool run::end(errc cause, const diagnostics& details) {
  {
    const std::lock_guard lock(end_mutex_);
    if (ended_) return false;
    ended_ = cause;
    end_details_ = details;
  }
  request_stop(stop_mode::now);
  return true;
}

std::size_t run::files_allowed(std::size_t held_up, std::size_t unsettled, bool in_memory) noexcept {
  using core::limits::files_inside, core::limits::files_inside_max;
  return in_memory ? files_inside : files_inside + std::min({held_up, unsettled, files_inside_max - files_inside});
}

bool run::wait_for_room(const std::atomic<std::size_t>& held_up) {
  const auto most = [&] { return files_allowed(held_up, unsettled_, in_memory_); };
  if (open_.load() < most()) return !stopping();
  std::unique_lock lock(room_mutex_);
  waiting_for_room_ = true;
  room_.wait(lock, [&] {
    // Well below the limit, so that a full window costs one wake-up per many files and not one per file.
    resume_below_ = most() - core::limits::files_inside / 4;
    return stopping() || open_.load() < resume_below_;
  });
  waiting_for_room_ = false;
  return !stopping();
}

void run::room_grew() noexcept {
  if (!waiting_for_room_.load()) return;
  const std::lock_guard lock(room_mutex_);
  room_.notify_one();
}

std::optional<source> run::pull() {
  try {
    auto next = all_.next ? all_.next() : std::nullopt;
    in_memory_ = in_memory_ || (next && next->memory);
    return next;
  } catch (const std::exception& e) {
    source_threw(e.what());
  } catch (...) { // anything may be thrown; what is lost is only its name
    source_threw("something that is no std::exception");
  }
  return std::nullopt;
}

void run::source_threw(const char* what) {
  const std::lock_guard lock(end_mutex_);
  source_failed_ = true;
  end_details_.where = phase::source;
  end_details_.message = std::string("the batch's source threw: ") + what;
}

void run::deliver(file_report&& report, bool abandoned) {
  if (single()) {
    one_ = std::move(report);
    if (abandoned) tell_why_abandoned();
  } else if (abandoned) {
    ++totals_.unsettled;
  } else {
    ++(report.error ? totals_.failed : totals_.done);
    if (report.from_ledger) ++totals_.from_ledger;
    if (!report.error && !report.from_ledger) totals_.bytes += report.size;
    if (all_.sink) all_.sink(std::move(report));
    unflushed_ = true;
  }
  const auto left = --open_;
  if (!waiting_for_room_.load()) return;
  const std::lock_guard lock(room_mutex_);
  if (left < resume_below_) room_.notify_one();
}

void run::flush() {
  if (std::exchange(unflushed_, false) && all_.flush) all_.flush();
}

void run::leave_behind(std::vector<std::string>& ids) {
  if (!all_.unconfirmed) return;
  for (auto& id : ids) all_.unconfirmed(std::move(id));
}

/// Of a single upload: what ended it from outside, be it another file's bad news or a ledger that could not be told
/// that it is done, of which a later run would then know nothing.
void run::tell_why_abandoned() {
  const bool is_done = !one_.error;
  if (!is_done && one_.error != errc::cancelled && !one_.details.message.empty()) return; // its own reason
  one_.id.clear();
  one_.public_url.clear();
  const std::lock_guard lock(end_mutex_);
  if (is_done) one_.error = errc::ledger_failed;
  if (!ended_) return;
  one_.error = ended_;
  one_.details = end_details_;
}

limit run::verdict() const {
  std::size_t most = 0;
  for (std::size_t i = 0; i < bottleneck.size(); ++i)
    if (bottleneck[i].load() > bottleneck[most].load()) most = i;
  return bottleneck[most].load() == 0 ? limit::none : static_cast<limit>(most);
}

void run::finish(core::instant now, const std::function<counters()>& figures) {
  {
    const std::lock_guard lock(room_mutex_);
    on_stop_ = {};
  }
  // What the caller gave goes before the completion: a handler may count on its captures being the last ones.
  const batch released = std::exchange(all_, {});
  if (single()) {
    const error_code ec = one_.error;
    return std::move(one_done_)(ec, std::move(one_));
  }
  totals_.complete = !stopping() && !source_failed_ && totals_.unsettled == 0;
  totals_.presigns = presigns.load();
  totals_.puts = puts.load();
  totals_.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
  totals_.limited_detail = detail_of(totals_.limited_by, figures());
  error_code ec = stopping() ? make_error_code(errc::cancelled) : error_code{};
  {
    const std::lock_guard lock(end_mutex_); // another run's file may be ending all runs at this moment
    totals_.details = end_details_;
    if (ended_) ec = ended_;
  }
  // What ended the run says more than what held it back until then.
  totals_.limited_by = ec && ec != errc::cancelled ? limit::none : verdict();
  std::move(all_done_)(ec, std::move(totals_));
}

} // namespace hoist::engine
