#pragma once

// One operation of the caller's. It is shared by the threads that work for it: what each may touch is said at the
// members. It completes once: when its source is drained (or it was stopped) and none of its files is open. A file is
// open from the moment it is taken until its report has been told: while a sink blocks, that is what bounds memory.

#include "core/base/time.hpp"
#include "engine/operation/report_queue.hpp"

#include <hoist/batch.hpp>
#include <hoist/report.hpp>
#include <hoist/uploader.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace hoist::engine {

class shard;

class run {
 public:
  explicit run(batch all, detail::batch_callback done, core::instant now);
  explicit run(detail::upload_callback done, core::instant now);

  bool single() const noexcept { return single_; }
  bool hears_lines() const noexcept { return hears_lines_; }
  severity log_from() const noexcept { return log_from_; }
  std::size_t files_open() const noexcept { return open_.load(); }
  /// The source has nothing more to give, or is not asked any more.
  bool source_at_end() const noexcept { return source_at_end_.load(std::memory_order_relaxed); }
  bool starved_of_room() const noexcept { return waiting_for_room_.load(std::memory_order_relaxed); }

  // ---- any thread

  /// True for the first request of this strength.
  bool request_stop(stop_mode how) noexcept;
  bool stopping() const noexcept { return stop_.load() != 0; }
  /// The first cause stays: false for any other. Details are read after completion only.
  bool end(errc cause, const diagnostics& details);
  void room_grew() noexcept;
  /// One of its files is on its way to the journal; true when no other is.
  bool file_settled() noexcept { return --unsettled_ == 0; }
  /// A batch's own; single uploads share the reporter's.
  report_queue& reports() noexcept { return *reports_; }

  /// Of a single upload: the shard that has its file, once one has. A stop that comes before finds none there, and the
  /// shard then finds the run stopping.
  std::atomic<shard*> taken_by{nullptr};
  std::list<std::shared_ptr<run>>::iterator place; ///< in the books, and theirs

  /// How many of its files may be open. Those that are `held_up` do not count, up to a bound; but those do that are
  /// settled and wait to be told, as its sink is what holds them up, and sources in memory, which cost what they hold.
  static std::size_t files_allowed(std::size_t held_up, std::size_t unsettled, bool in_memory) noexcept;

  // ---- intake thread

  /// Blocks until another file may be open, or until stopped: then false. Those that are `held_up` do not count, up to
  /// a bound; whoever changes that calls room_grew().
  bool wait_for_room(const std::atomic<std::size_t>& held_up);
  std::optional<source> pull();
  void no_more_to_pull() noexcept { source_at_end_ = true; }
  void file_taken() noexcept {
    ++open_;
    ++unsettled_;
  }
  /// There is nothing more to pull, for this reason; the run ends with it.
  void source_threw(const char* what);

  // ---- the reporter's thread that tells it: of one run it is always the same

  /// One of its files is settled. `abandoned`: the run was stopped before the file got anywhere, or the ledger did not
  /// take what it came to.
  void deliver(file_report&& report, bool abandoned);
  /// No more for now.
  void flush();
  /// Ids that a file about to be delivered may have stored something under.
  void leave_behind(std::vector<std::string>& ids);
  void source_ended() { source_drained_ = true; }
  bool complete() const noexcept { return source_drained_ && open_.load() == 0; }
  /// Lets go of what the caller gave, and calls its completion handler. The last call. `figures` is asked for batches.
  void finish(core::instant now, const std::function<counters()>& figures);
  observer& watch() noexcept { return all_.watch; }
  /// When progress is due, if anybody wants to be told.
  std::optional<core::instant> next_progress() const noexcept { return progress_due_; }
  void progress_told(core::instant next) noexcept { progress_due_ = next; }

  /// Counted by shards as they begin things; relaxed, read at the end.
  std::atomic<std::uint64_t> presigns{0}, puts{0};
  /// How often a look at the run found it held back by each limit.
  std::array<std::atomic<std::uint64_t>, limits_known> bottleneck{};

 private:
  void tell_why_abandoned();
  limit verdict() const;

  const bool single_;
  const bool hears_lines_;
  const severity log_from_ = severity::info;
  batch all_;
  detail::batch_callback all_done_;
  detail::upload_callback one_done_;
  core::instant started_;

  std::atomic<int> stop_{0}; ///< 0 no, 1 drain, 2 now
  std::atomic<std::size_t> open_{0}, unsettled_{0};
  std::mutex room_mutex_;
  std::condition_variable room_;
  std::function<void()> on_stop_; ///< until it was called, or the run is complete; under room_mutex_
  std::atomic<bool> waiting_for_room_{false}, source_at_end_{false};
  std::size_t resume_below_ = 0;
  bool in_memory_ = false; ///< some of its sources are; of the intake thread

  std::mutex end_mutex_;
  error_code ended_;
  diagnostics end_details_;
  bool source_failed_ = false; ///< its source threw

  const std::unique_ptr<report_queue> reports_; ///< null for a single upload

  // of the thread that tells it
  std::optional<core::instant> progress_due_;
  batch_report totals_;
  file_report one_;
  bool unflushed_ = false;
  bool source_drained_ = false;
};

} // namespace hoist::engine
