#pragma once

// Where files come in: the thread that pulls a batch's source and has each file examined.

#include "engine/admission.hpp"
#include "engine/flight.hpp"

#include <atomic>
#include <functional>
#include <thread>

namespace hoist::engine {

/// Pulls a batch's source until it is drained or the run is stopped.
class intake {
 public:
  struct hooks {
    std::function<void(item)> accept;                       ///< hand it to a shard
    std::function<void(settled)> settle;                    ///< it needs none
    std::function<void(const std::shared_ptr<run>&)> ended; ///< the last call
  };

  intake(std::shared_ptr<run> r, std::size_t files_open_max, const admission& gate, hooks h);
  ~intake() { thread_.join(); }

  /// The thread has made its last call.
  bool finished() const noexcept { return finished_; }

 private:
  void loop();

  std::shared_ptr<run> run_;
  std::size_t files_open_max_;
  const admission& admission_;
  hooks hooks_;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

} // namespace hoist::engine
