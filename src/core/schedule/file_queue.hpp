#pragma once

// Queues of files whose links lie in one table, so that a file leaves any queue in constant time and nothing is
// allocated. A file is in at most one queue.

#include <cassert>
#include <cstdint>
#include <vector>

namespace hoist::core {

/// A small number, dense and reused after settlement: the index of the file in its shard's tables.
using file_id = std::uint32_t;

/// Where a thing stands in its queue.
struct queue_link {
  static constexpr std::uint32_t none = UINT32_MAX;
  std::uint32_t prev = none, next = none;
};

class linked_queue {
 public:
  using links = std::vector<queue_link>; ///< by number; shared by all queues of one kind of thing

  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// Precondition: not empty.
  std::uint32_t front() const noexcept {
    assert(size_ > 0);
    return head_;
  }
  /// The one behind `n`, or `queue_link::none`.
  static std::uint32_t after(std::uint32_t n, const links& all) noexcept { return all[n].next; }

  void push_back(std::uint32_t n, links& all) noexcept {
    all[n] = {tail_, queue_link::none};
    (tail_ == queue_link::none ? head_ : all[tail_].next) = n;
    tail_ = n;
    ++size_;
  }

  void push_front(std::uint32_t n, links& all) noexcept {
    all[n] = {queue_link::none, head_};
    (head_ == queue_link::none ? tail_ : all[head_].prev) = n;
    head_ = n;
    ++size_;
  }

  /// Precondition: `n` is in this queue.
  void erase(std::uint32_t n, links& all) noexcept {
    assert(size_ > 0);
    const queue_link at = all[n];
    (at.prev == queue_link::none ? head_ : all[at.prev].next) = at.next;
    (at.next == queue_link::none ? tail_ : all[at.next].prev) = at.prev;
    all[n] = {};
    --size_;
  }

  std::uint32_t pop_front(links& all) noexcept {
    const auto n = front();
    erase(n, all);
    return n;
  }

 private:
  std::uint32_t head_ = queue_link::none, tail_ = queue_link::none;
  std::size_t size_ = 0;
};

} // namespace hoist::core
