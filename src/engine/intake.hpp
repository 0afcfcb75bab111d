#pragma once

// Where files come in: what is found out about each before any request is made, and the thread that does it for a batch.

#include "engine/flight.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

namespace hoist::engine {

/// Why a file cannot even be tried.
struct unfit {
  errc code;
  diagnostics details;
};

/// Fills in identity and media type; one stat. Nothing when the file may go on.
std::optional<unfit> examine(item& file, std::uint64_t bytes_max);

/// Pulls a batch's source until it is drained or the run is stopped.
class intake {
 public:
  struct hooks {
    std::function<void(item)> accept;                                ///< hand it to a shard
    std::function<void(const item&, unfit)> refuse;                  ///< settle it as failed
    std::function<void(const std::shared_ptr<run>&)> ended;          ///< the last call
  };

  intake(std::shared_ptr<run> r, std::size_t files_open_max, std::uint64_t bytes_max, hooks h);
  ~intake() { thread_.join(); }

  /// The thread has made its last call.
  bool finished() const noexcept { return finished_; }

 private:
  void loop();

  std::shared_ptr<run> run_;
  std::size_t files_open_max_;
  std::uint64_t bytes_max_;
  hooks hooks_;
  std::atomic<bool> finished_{false};
  std::thread thread_;
};

} // namespace hoist::engine
