#pragma once

// The thread that looks single uploads up in the ledger. A look-up waits while a commit is on its way to the disk, and
// an I/O thread may not: it would hold every connection it has. So a file whose look-up may wait goes to its shard by
// way of this thread; the files of batches are looked up by their intakes.

#include "engine/operation/admission.hpp"
#include "engine/operation/flight.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace hoist::engine {

class examiner {
 public:
  /// Throws as `started`.
  examiner(const admission& gate, ways_on on);
  /// After what it has been given so far.
  ~examiner();

  /// Any thread.
  void put(item file);

 private:
  void loop();
  bool take(std::vector<item>& into);
  void see_to(item file);

  const admission& admission_;
  const ways_on on_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<item> inbox_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace hoist::engine
