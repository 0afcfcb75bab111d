#pragma once

// Threads that end by themselves, each after its own piece of work, and that are joined when there is an occasion: at
// the next start, or at the end. What a start costs does not grow with how many are at work.

#include "engine/loop/thread.hpp"

#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace hoist::engine {

class crew {
 public:
  crew() = default;
  crew(const crew&) = delete;
  crew& operator=(const crew&) = delete;
  ~crew() { join(); }

  /// Any thread, one of the crew included. Throws as `started`; `work` is then not done.
  template <class Work>
  void start(Work work) {
    join_ended();
    std::list<std::thread> own(1);
    const auto place = own.begin();
    const std::lock_guard lock(mutex_); // which the new thread needs to leave its place: it finds that filled
    *place = start_thread([this, place, work = std::move(work)]() mutable {
      work();
      leave(place);
    });
    working_.splice(working_.end(), own);
  }

  /// Waits until all work is done. Precondition: nobody starts any more, and no thread of the crew calls it.
  void join() {
    std::list<std::thread> all;
    {
      const std::lock_guard lock(mutex_);
      all.swap(ended_);
      // Taken out of their places, which they still have to leave.
      for (std::thread& t : working_) all.push_back(std::exchange(t, {}));
    }
    for (std::thread& t : all)
      if (t.joinable()) t.join();
    ended_.clear();
  }

 private:
  /// Each is past its last lock, so this is no waiting.
  void join_ended() {
    std::list<std::thread> ended;
    {
      const std::lock_guard lock(mutex_);
      ended.swap(ended_);
    }
    for (std::thread& t : ended) t.join();
  }

  void leave(std::list<std::thread>::iterator place) {
    const std::lock_guard lock(mutex_);
    ended_.splice(ended_.end(), working_, place);
  }

  std::mutex mutex_;
  std::list<std::thread> working_, ended_;
};

} // namespace hoist::engine
