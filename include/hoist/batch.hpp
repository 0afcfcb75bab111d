#pragma once

// Many files: where they come from and where their reports go.

#include <hoist/observer.hpp>
#include <hoist/report.hpp>
#include <hoist/source.hpp>

#include <functional>
#include <optional>
#include <string>

namespace hoist {

/// A batch for `uploader::async_upload_all`.
struct batch {
  /// The next thing to send, or nothing when there is no more. Called on a thread of the batch's own, one call at a
  /// time; it may block. After a cancellation it is not called again, but a call that blocks delays the completion:
  /// return soon once your own stop sign is up. An exception ends the batch as if there were no more, and is reported
  /// in `batch_report::details`.
  std::function<std::optional<source>()> next;

  /// Takes each file's report once it is settled and recorded. Called on a second thread of the batch's own, one call
  /// at a time, in completion order. While it blocks, this batch takes no further files beyond some thousands; what is
  /// in flight goes on and is recorded, and other operations do not notice. May not throw.
  std::function<void(file_report&&)> sink;

  /// Optional: called on the sink's thread when the reports that had come together are all delivered, before it waits
  /// for more (at the latest every 1024 or so). A sink that collects what it writes can write it here, once. May not
  /// throw.
  std::function<void()> flush;

  /// Optional: told the id of each presign whose PUT was begun and got no answer that settled it, when its file is
  /// settled or given up: something may be stored under it. Whoever wants to leave nothing behind deletes it. Called
  /// like `sink`, and before it for the same file; may not throw.
  std::function<void(std::string id)> unconfirmed;

  /// Optional: told of progress and of things worth a log line, on the sink's thread and never beside it.
  observer watch;
};

} // namespace hoist
