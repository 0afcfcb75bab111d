#pragma once

// Which operations are under way. To enter and to leave costs the same however many there are; only what concerns all
// of them, a stop or a fatal end, walks them.

#include "engine/operation/run.hpp"

#include <hoist/diagnostics.hpp>
#include <hoist/error.hpp>

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace hoist::engine {

class books {
 public:
  // Any thread.

  /// False: nobody may enter any more, because the uploader is being destroyed or a run has ended for a reason that
  /// lasts. The run is then told, and not in the books.
  bool enter(const std::shared_ptr<run>& r);
  /// Precondition: it has entered, once.
  void leave(const std::shared_ptr<run>& r);

  std::vector<std::shared_ptr<run>> running() const;

  /// Ends every run that is in; those are given back for which this is news. Later runs start afresh, but for a cause
  /// that would meet each of them as well.
  std::vector<std::shared_ptr<run>> end_all(errc cause, const diagnostics& details);

  /// `look` may not call anything of the caller's, nor the books.
  template <class Look>
  void for_each_batch(Look look) const {
    const std::lock_guard lock(mutex_);
    for (const auto& r : batches_) look(*r);
  }

  /// From now on nobody enters.
  void close();
  /// Until the last one has left. Precondition: closed.
  void wait_until_empty();

 private:
  using list = std::list<std::shared_ptr<run>>;
  list& list_of(const run& r) { return r.single() ? singles_ : batches_; }
  std::vector<std::shared_ptr<run>> all() const;

  mutable std::mutex mutex_;
  std::condition_variable emptied_;
  list batches_, singles_;
  bool closed_ = false;
  errc ended_{};
  diagnostics end_details_;
};

} // namespace hoist::engine
