#pragma once

// Threads that wait for the disk in place of those that move bytes. One more is made when all are waiting, so that a
// disk that hangs holds only its own files, up to a bound.

#include "net/file_source.hpp"
#include "net/types.hpp"

#include <functional>
#include <memory>

namespace hoist::net {

/// Fetches one piece of a file from the disk elsewhere. The waiter may leave before it is there: then nobody is woken,
/// and `ex` is not touched any more, however long the disk takes.
class disk_fetch {
 public:
  /// `wake` is called on `ex` when the piece is in memory or cannot be had, unless this is gone by then. Where no
  /// thread is to be had the caller's waits, here: others are late, nothing is lost.
  disk_fetch(disk_wait piece, executor ex, std::function<void()> wake);
  ~disk_fetch();
  disk_fetch(const disk_fetch&) = delete;
  disk_fetch& operator=(const disk_fetch&) = delete;

  bool done() const noexcept;

 private:
  struct state;
  std::shared_ptr<state> state_;
};

/// Suspends until `piece` is in memory or cannot be had; resumes on the caller's executor, which is kept busy until
/// then.
task<void> wait_elsewhere(disk_wait piece);

} // namespace hoist::net
