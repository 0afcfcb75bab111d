#pragma once

// The thread that makes things durable. It takes settled files and leases in groups, commits each group, and only then
// hands its files on to the reporter. It calls nothing of the caller's, so nobody's sink can make a commit late.

#include "core/base/time.hpp"
#include "engine/operation/reporter.hpp"
#include "engine/operation/settled.hpp"
#include "ledger/store.hpp"

#include <hoist/diagnostics.hpp>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace hoist::engine {

class journal {
 public:
  /// `failed` is told when the ledger cannot be written, before any file of that group is handed on; from then on none
  /// is handed on as settled.
  journal(ledger::store& store, reporter& out, std::function<void(const diagnostics&)> failed);
  ~journal();

  // Any thread; none waits for a commit.
  void put(std::vector<settled>& group); ///< takes all, leaves the vector empty with its capacity
  /// PUTs that have been under way for a while. Not urgent, and overtaken by a settlement in the same group.
  void lease(std::vector<ledger::row>& group);
  /// Goes to the reporter as it is.
  void log(severity level, std::string text);
  bool hears(severity level) const noexcept { return reporter_.hears(level); }

  /// Ends the thread, after what it has been given so far.
  void stop();

 private:
  struct inbox {
    std::vector<settled> files;
    std::vector<ledger::row> leases;
    bool empty() const noexcept { return files.empty() && leases.empty(); }
    void clear();
  };

  void loop();
  bool take(inbox& into);
  void record(inbox& group);
  void write(inbox& group);
  /// `make` changes what the thread looks at, and says whether that is worth an end to lingering.
  template <class Change>
  void change(Change make);

  ledger::store& store_;
  reporter& reporter_;
  const core::millis linger_;
  std::function<void(const diagnostics&)> failed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  inbox inbox_;
  bool asleep_ = false; ///< the thread waits for anything at all, rather than lingering for a fuller group
  bool urgent_ = false;
  bool stopping_ = false;

  bool store_failed_ = false;
  std::thread thread_;
};

} // namespace hoist::engine
