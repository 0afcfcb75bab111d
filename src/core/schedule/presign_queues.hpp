#pragma once

// Who waits for a ticket. Files that had one, and ask for another because their origin is bad, take turns with the
// others: there may be thousands of them, led back again and again.

#include "core/schedule/operation_queues.hpp"

namespace hoist::core {

class presign_queues {
 public:
  explicit presign_queues(linked_queue::links& links) : first_(links), renewals_(links) {}

  bool empty() const noexcept { return first_.empty() && renewals_.empty(); }

  void push_front(operation_id operation, file_id f) { first_.push_front(operation, f); }
  void push_back(operation_id operation, file_id f) { first_.push_back(operation, f); }
  void push_renewal(operation_id operation, file_id f) { renewals_.push_back(operation, f); }
  /// Precondition: it is in one of them; `renewal` says in which.
  void erase(operation_id operation, file_id f, bool renewal) noexcept {
    (renewal ? renewals_ : first_).erase(operation, f);
  }

  /// Whose turn it is. `renewals_last`: not theirs while anybody else waits. Precondition: !empty().
  file_id front(bool renewals_last) const noexcept {
    return is_renewals_turn(renewals_last) ? renewals_.front() : first_.front();
  }
  void end_turn(bool renewals_last) noexcept {
    const bool renewals = is_renewals_turn(renewals_last);
    (renewals ? renewals_ : first_).end_turn();
    renewals_next_ = !renewals;
  }

  template <class F>
  void for_each(F what) const {
    first_.for_each(what);
    renewals_.for_each(what);
  }

 private:
  bool is_renewals_turn(bool renewals_last) const noexcept {
    return !renewals_.empty() && (first_.empty() || (renewals_next_ && !renewals_last));
  }

  operation_queues first_, renewals_;
  bool renewals_next_ = false;
};

} // namespace hoist::core
