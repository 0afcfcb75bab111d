#pragma once

// The thread behind the shards. It takes settled files in groups, makes them durable, and only then hands their reports
// to the caller; progress and log callbacks run here too, so that the caller hears one voice at a time.

#include "engine/run.hpp"
#include "ledger/store.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

namespace hoist::engine {

struct settled {
  std::shared_ptr<run> owner;
  file_report report;
  std::string record_name; ///< in the ledger; empty: the report's path
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::vector<std::string> unconfirmed; ///< ids under which something may be stored beside what the report tells
  bool abandoned = false;
  bool recorded = false; ///< the ledger need not be told: it told us, or it cannot know this source by a name
};

struct log_line {
  severity level;
  std::string text;
};

class recorder {
 public:
  /// `counters_now` is asked for progress; `failed` is told when the ledger cannot be written.
  recorder(ledger::store& store, std::function<counters()> counters_now,
           std::function<void(const diagnostics&)> failed);
  ~recorder();

  // Any thread.
  void began(std::shared_ptr<run> r);
  void put(std::vector<settled>& group); ///< takes all, leaves the vector empty with its capacity
  /// PUTs that have been under way for a while. Not urgent, and overtaken by a settlement in the same group.
  void lease(std::vector<ledger::row>& group);
  void source_ended(std::shared_ptr<run> r);
  void log(severity level, std::string text);

  /// After all runs have completed: ends the thread.
  void stop();

 private:
  struct inbox {
    std::vector<settled> files;
    std::vector<ledger::row> leases;
    std::vector<std::shared_ptr<run>> new_runs, ended_sources;
    std::vector<log_line> lines;
    bool empty() const noexcept {
      return files.empty() && leases.empty() && new_runs.empty() && ended_sources.empty() && lines.empty();
    }
    void clear();
  };

  void loop();
  bool take(inbox& into);
  void process(inbox& group);
  void record(inbox& group);
  void deliver(inbox& group);
  void complete_runs();
  void tell_progress();
  /// `make` changes what the thread looks at, and says whether that is worth an end to lingering.
  template <class Change>
  void change(Change make);

  ledger::store& store_;
  const core::millis linger_;
  std::function<counters()> counters_now_;
  std::function<void(const diagnostics&)> failed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  inbox inbox_;
  bool asleep_ = false; ///< the thread waits for anything at all, rather than lingering for a fuller group
  bool urgent_ = false;
  bool stopping_ = false;

  std::vector<std::shared_ptr<run>> runs_;
  core::instant progress_due_{};
  bool ledger_failed_ = false;
  std::thread thread_;
};

} // namespace hoist::engine
