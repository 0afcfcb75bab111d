#pragma once

// Tells the callers. Each batch has a thread of its own for its sink, flush, progress, log lines and completion, so
// that one that blocks holds nobody else; single uploads, whose completions are posted to executors, share one.

#include "engine/loop/crew.hpp"
#include "engine/operation/report_queue.hpp"
#include "engine/operation/settled.hpp"

#include <hoist/report.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hoist::engine {

class reporter {
 public:
  struct hooks {
    std::function<counters()> figures;                          ///< for progress, and a summary's detail
    std::function<void(const std::shared_ptr<run>&)> completed; ///< the caller has heard the last of it
  };

  /// Throws as `started`.
  explicit reporter(hooks h);
  ~reporter();

  /// Before any file of a batch is taken. Any thread. Throws as `started`: then the batch is not taken on.
  void begin(const std::shared_ptr<run>& batch);

  /// The journal's thread: files that may be told. Empties each, and leaves the vector's size alone.
  void hand_over(std::vector<settled>& files);

  /// Any thread. To every batch that is under way.
  void log(severity level, const std::string& text);

  /// Whether any batch wants lines of this level. Any thread; a load.
  bool hears(severity level) const noexcept { return level >= heard_from_.load(std::memory_order_relaxed); }

  /// Ends the threads. Precondition: every run has completed.
  void stop();

 private:
  using place = std::list<std::shared_ptr<run>>::iterator;

  report_queue& queue_of(run& r);
  void serve(const std::shared_ptr<run>& batch);
  void tell(run& r, report_queue::contents& what);
  void tell_lines(run& r, const report_queue::contents& what);
  void tell_progress(run& r);
  void serve_singles();
  void forget(place batch);
  void note_levels() noexcept; ///< Precondition: the lock is held.

  const hooks hooks_;
  std::vector<std::shared_ptr<run>> staged_for_; ///< the journal's thread; those a group has files for

  std::mutex mutex_;
  std::list<std::shared_ptr<run>> batches_;

  std::atomic<severity> heard_from_{static_cast<severity>(UINT8_MAX)}; ///< the lowest that any batch wants

  report_queue singles_;
  crew batch_threads_;
  std::thread singles_thread_;
};

} // namespace hoist::engine
