#pragma once

// Optional callbacks. All are called on the thread of the batch's sink, one at a time, at most ten times a second for
// progress; inside them every member of `uploader` may be called except its destructor. They may not throw.

#include <hoist/report.hpp>

#include <functional>
#include <string>

namespace hoist {

enum class severity : std::uint8_t {
  trace, ///< each request and each answer
  debug, ///< how each attempt ended, and each file
  info,
  warning,
  error,
};

struct observer {
  std::function<void(const counters&)> on_progress;
  /// A sentence without secrets. Names and server's words in it are already escaped for a terminal. What comes while
  /// the sink blocks is kept for later, up to some thousand lines.
  std::function<void(severity, const std::string&)> on_log;
  /// Lines below this are not made. Default info: those for each file cost time.
  severity log_from = severity::info;
  /// The run takes no more files, because it was stopped or has ended for a reason of its own: a source that waits for
  /// something may return. Called at most once, from any thread, unlike the others; it may not block, nor call the
  /// uploader.
  std::function<void()> on_stop;
};

} // namespace hoist
