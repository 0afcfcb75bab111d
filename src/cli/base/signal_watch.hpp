#pragma once

// Ctrl-C and its kin, and troubles of the process, told on the thread of a run: the run's side of end_watch.

#include "cli/base/end_watch.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace hoist::cli {

class signal_watch {
 public:
  /// From here on a signal does not end the process, but waits to be told: whatever is made before `begin` is taken
  /// apart in order. `bound`: see end_listener.
  signal_watch(boost::asio::io_context& context, std::function<void(const end_ask&)> tell,
               std::chrono::milliseconds bound);

  /// Tells what has come, and what comes, on the context's thread, and keeps the context busy.
  void begin();
  /// Nothing more is told, and the context is not kept busy any longer, whatever was on its way.
  void end();
  /// Signals that were told.
  int seen() const { return seen_; }

 private:
  void arrived(const end_ask& ask);
  void pass_on(const end_ask& ask);

  using guard = boost::asio::executor_work_guard<boost::asio::io_context::executor_type>;

  boost::asio::io_context& context_;
  std::function<void(const end_ask&)> tell_;
  std::optional<guard> busy_;
  int seen_ = 0;
  bool ended_ = false;

  std::mutex mutex_; ///< the watching thread calls in: what follows
  bool begun_ = false;
  std::vector<end_ask> early_;

  end_listener listener_; ///< last: it calls what is above
};

} // namespace hoist::cli
