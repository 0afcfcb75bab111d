#pragma once

// The files that wait for a presign: a queue for each operation (a batch, a single upload), and the operations take
// turns. One upload beside a batch of thousands is next but one.

#include "core/schedule/file_queue.hpp"

#include <cassert>
#include <vector>

namespace hoist::core {

/// A small number, dense and reused: the index of an operation in its shard's tables.
using operation_id = std::uint32_t;

class operation_queues {
 public:
  explicit operation_queues(linked_queue::links& files) noexcept : files_(files) {}

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  /// Behind the operation's others.
  void push_back(operation_id op, file_id f) {
    queue_of(op).push_back(f, files_);
    ++size_;
  }

  /// Before the operation's others: it has waited for its turn already.
  void push_front(operation_id op, file_id f) {
    queue_of(op).push_front(f, files_);
    ++size_;
  }

  /// Precondition: `f` waits here.
  void erase(operation_id op, file_id f) noexcept {
    waiting_[op].erase(f, files_);
    --size_;
    if (waiting_[op].empty()) turns_.erase(op, order_);
  }

  /// The next in turn. Precondition: not empty.
  file_id front() const noexcept { return waiting_[turns_.front()].front(); }

  /// The next turn is another operation's, if there is one. Precondition: not empty.
  void end_turn() noexcept { turns_.push_back(turns_.pop_front(order_), order_); }

  template <class F>
  void for_each(F what) const {
    if (turns_.empty()) return;
    for (auto op = turns_.front(); op != queue_link::none; op = linked_queue::after(op, order_))
      for (auto f = waiting_[op].front(); f != queue_link::none; f = linked_queue::after(f, files_)) what(f);
  }

 private:
  linked_queue& queue_of(operation_id op) {
    if (op >= waiting_.size()) {
      waiting_.resize(op + 1);
      order_.resize(op + 1);
    }
    if (waiting_[op].empty()) turns_.push_back(op, order_);
    return waiting_[op];
  }

  linked_queue::links& files_;
  std::vector<linked_queue> waiting_; ///< by operation
  linked_queue::links order_;         ///< of the operations that have files here
  linked_queue turns_;
  std::size_t size_ = 0;
};

} // namespace hoist::core
