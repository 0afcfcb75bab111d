#pragma once

// A few threads that wait for the disk in place of those that move bytes.

#include "net/file_source.hpp"
#include "net/types.hpp"

namespace hoist::net {

/// Suspends until `piece` is in memory or cannot be had; resumes on the caller's executor, which is kept busy until then.
/// The threads are made when the first one is needed, and are the process's: four, since the disk has been asked before
/// and each only learns that it has answered. Where no thread is to be had, the caller's waits: others are late, nothing is lost.
task<void> wait_elsewhere(disk_wait piece);

} // namespace hoist::net
