#pragma once

// Where the files of a batch come in: its source is pulled and each file examined, on a thread of the batch's own,
// since both may wait.

#include "engine/admission.hpp"
#include "engine/flight.hpp"

#include <cstddef>
#include <memory>

namespace hoist::engine {

class intake {
 public:
  intake(std::shared_ptr<run> r, std::size_t files_open_max, const admission& gate, ways_on on);

  /// Returns when the source is drained or the run stopped; the run has then been told.
  void pull_all();

 private:
  std::shared_ptr<run> run_;
  std::size_t files_open_max_;
  const admission* admission_;
  ways_on on_;
};

} // namespace hoist::engine
