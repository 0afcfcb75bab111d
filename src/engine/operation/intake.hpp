#pragma once

// Where the files of a batch come in: its source is pulled and each file examined, on a thread of the batch's own,
// since both may wait.

#include "engine/operation/admission.hpp"
#include "engine/operation/flight.hpp"

#include <atomic>
#include <cstddef>
#include <memory>

namespace hoist::engine {

class intake {
 public:
  /// `held_up`: files of all batches that a bad origin holds up; it outlives the intake.
  intake(std::shared_ptr<run> r, const std::atomic<std::size_t>& held_up, const admission& gate, ways_on on);

  /// Returns when the source is drained or the run stopped; the run has then been told.
  void pull_all();

 private:
  std::shared_ptr<run> run_;
  const std::atomic<std::size_t>* held_up_;
  const admission* admission_;
  ways_on on_;
};

} // namespace hoist::engine
