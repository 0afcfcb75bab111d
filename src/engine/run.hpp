#pragma once

// One operation of the caller's. It is shared by the threads that work for it: what each may touch is said at the
// members. It completes once: when its source is drained (or it was stopped) and none of its files is open.

#include "core/time.hpp"

#include <hoist/batch.hpp>
#include <hoist/report.hpp>
#include <hoist/uploader.hpp>

#include <array>
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace hoist::engine {

class run {
 public:
  explicit run(batch all, detail::batch_callback done, core::instant now);
  explicit run(detail::upload_callback done, core::instant now);

  bool single() const noexcept { return single_; }
  std::size_t files_open() const noexcept { return open_.load(); }
  bool starved_of_room() const noexcept { return waiting_for_room_.load(std::memory_order_relaxed); }

  // ---- any thread

  /// True for the first request of this strength.
  bool request_stop(stop_mode how) noexcept;
  bool stopping() const noexcept { return stop_.load(std::memory_order_relaxed) != 0; }
  /// The first cause stays. Any thread; details are read after completion only.
  void end(errc cause, const diagnostics& details);

  // ---- intake thread

  /// Blocks until another file may be open, or until stopped: then false.
  bool wait_for_room(std::size_t files_max);
  std::optional<source> pull();
  void file_taken() noexcept { ++open_; }
  /// There is nothing more to pull, for this reason; the run ends with it.
  void source_threw(const char* what);

  // ---- recorder thread

  /// One of its files is settled. `abandoned`: the run was stopped before the file got anywhere.
  void deliver(file_report&& report, bool abandoned);
  /// No more for now.
  void flush();
  /// Ids that a file about to be delivered may have stored something under.
  void leave_behind(std::vector<std::string>& ids);
  void source_ended() { source_drained_ = true; }
  bool complete() const noexcept { return source_drained_ && open_.load() == 0; }
  void finish(core::instant now, const counters& figures);
  observer& watch() noexcept { return all_.watch; }

  /// Counted by shards as they begin things; relaxed, read at the end.
  std::atomic<std::uint64_t> presigns{0}, puts{0};
  /// How often a look at the run found it held back by each limit.
  std::array<std::atomic<std::uint64_t>, 6> held_by{};

 private:
  void forget_unrecorded();
  limit verdict() const;

  const bool single_;
  batch all_;
  detail::batch_callback all_done_;
  detail::upload_callback one_done_;
  core::instant started_;

  std::atomic<int> stop_{0}; ///< 0 no, 1 drain, 2 now
  std::atomic<std::size_t> open_{0};
  std::mutex room_mutex_;
  std::condition_variable room_;
  std::function<void()> on_stop_; ///< until it was called, or the run is complete; under room_mutex_
  std::atomic<bool> waiting_for_room_{false};
  std::size_t resume_below_ = 0;

  std::mutex end_mutex_;
  error_code ended_;
  diagnostics end_details_;
  bool source_failed_ = false; ///< its source threw

  // recorder only
  batch_report totals_;
  file_report one_;
  bool unflushed_ = false;
  bool source_drained_ = false;
};

} // namespace hoist::engine
