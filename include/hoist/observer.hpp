#pragma once

// Optional callbacks. All are called on a thread of the uploader's own, one at a time, at most ten times a second for
// progress; inside them every member of `uploader` may be called except its destructor. They may not throw.

#include <hoist/report.hpp>

#include <functional>
#include <string>

namespace hoist {

enum class severity : std::uint8_t { debug, info, warning, error };

struct observer {
  std::function<void(const counters&)> on_progress;
  /// A sentence without secrets. Names and server's words in it are already escaped for a terminal.
  std::function<void(severity, const std::string&)> on_log;
};

} // namespace hoist
