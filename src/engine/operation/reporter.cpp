#include "engine/operation/reporter.hpp"

#include "engine/loop/thread.hpp"
#include "engine/operation/run.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace hoist::engine {

using namespace std::chrono_literals;

namespace {

constexpr auto progress_interval = 100ms;
// What a sink collects is written at least this often, however many reports have come together while it was slow.
constexpr std::size_t unflushed_max = 1024;

core::instant now_steady() {
  return std::chrono::steady_clock::now();
}

} // namespace

reporter::reporter(hooks h) : hooks_(std::move(h)), singles_thread_(start_thread([this] { serve_singles(); })) {}

reporter::~reporter() {
  stop();
}

void reporter::stop() {
  batch_threads_.join();
  singles_.end();
  if (singles_thread_.joinable()) singles_thread_.join();
}

// ---- from other threads -----------------------------------------------------------------------------------------

void reporter::begin(const std::shared_ptr<run>& batch) {
  std::list<std::shared_ptr<run>> own{batch};
  const auto at = own.begin();
  {
    const std::lock_guard lock(mutex_);
    batches_.splice(batches_.end(), own);
    note_levels();
  }
  try {
    batch_threads_.start([this, at, batch] {
      serve(batch);
      forget(at);
      hooks_.completed(batch);
    });
  } catch (...) {
    forget(at);
    throw;
  }
}

void reporter::forget(place batch) {
  const std::lock_guard lock(mutex_);
  batches_.erase(batch);
  note_levels();
}

void reporter::note_levels() noexcept {
  auto lowest = static_cast<severity>(UINT8_MAX);
  for (const auto& r : batches_)
    if (r->hears_lines()) lowest = std::min(lowest, r->log_from());
  heard_from_ = lowest;
}

report_queue& reporter::queue_of(run& r) {
  return r.single() ? singles_ : r.reports();
}

void reporter::hand_over(std::vector<settled>& files) {
  for (settled& s : files) {
    report_queue& queue = queue_of(*s.owner);
    // Held until it has been posted to: a run that has been told its last file takes its queue along.
    if (queue.nothing_staged()) staged_for_.push_back(s.owner);
    queue.stage(std::move(s));
  }
  for (const auto& owner : staged_for_) queue_of(*owner).post();
  staged_for_.clear();
}

void reporter::log(severity level, const std::string& text) {
  std::vector<std::shared_ptr<run>> listeners;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& r : batches_)
      if (r->hears_lines() && level >= r->log_from()) listeners.push_back(r);
  }
  for (const auto& r : listeners) r->reports().log(level, text);
}

// ---- a batch's thread -------------------------------------------------------------------------------------------

void reporter::serve(const std::shared_ptr<run>& batch) {
  run& r = *batch;
  report_queue::contents taken;
  while (!r.complete()) {
    r.reports().take(taken, r.next_progress());
    tell(r, taken);
    if (taken.ended) r.source_ended();
  }
  if (r.watch().on_progress) r.watch().on_progress(hooks_.figures()); // the last word is the whole truth
  r.finish(now_steady(), hooks_.figures);
}

void reporter::tell(run& r, report_queue::contents& what) {
  tell_lines(r, what);
  tell_progress(r);
  std::size_t unflushed = 0;
  for (settled& s : what.files) {
    s.owner.reset();
    r.leave_behind(s.unconfirmed);
    r.deliver(std::move(s.report), s.abandoned);
    if (++unflushed % unflushed_max == 0) r.flush();
    tell_progress(r); // here as well: a sink may take its time for each
  }
  r.flush();
}

void reporter::tell_lines(run& r, const report_queue::contents& what) {
  for (const log_line& line : what.lines) r.watch().on_log(line.level, line.text);
  if (what.lines_lost > 0)
    r.watch().on_log(severity::warning, std::to_string(what.lines_lost) +
                                            " lines are missing here: a sink, or whoever takes "
                                            "these lines, was busy for too long");
}

void reporter::tell_progress(run& r) {
  const auto due = r.next_progress();
  if (!due) return;
  const auto now = now_steady();
  if (now < *due) return;
  r.progress_told(now + progress_interval);
  r.watch().on_progress(hooks_.figures());
}

// ---- the thread of all single uploads ---------------------------------------------------------------------------

void reporter::serve_singles() {
  report_queue::contents taken;
  while (!taken.ended) {
    singles_.take(taken, std::nullopt);
    for (settled& s : taken.files) {
      const auto owner = std::move(s.owner);
      owner->deliver(std::move(s.report), s.abandoned);
      owner->finish(now_steady(), hooks_.figures);
      hooks_.completed(owner);
    }
  }
}

} // namespace hoist::engine
