#pragma once

// Starts a thread; on refusal names the likely limit.

#include <system_error>
#include <thread>
#include <utility>

namespace hoist::engine {

/// Throws std::system_error that says what is missing; the code's own words alone ("Resource temporarily unavailable")
/// do not.
template <class Work>
std::thread start_thread(Work work) {
  try {
    return std::thread(std::move(work));
  } catch (const std::system_error& e) {
    throw std::system_error(
        e.code(), "cannot start a thread, of which `ulimit -u`, memory (`ulimit -v`) or a container may allow no more");
  }
}

} // namespace hoist::engine
