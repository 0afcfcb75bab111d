#include "engine/operation/books.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

namespace hoist::engine {

namespace {

/// What is wrong with the key, or with the ledger, is so for whoever comes later. A host that was not there may be
/// back.
constexpr bool lasts(errc cause) {
  return cause == errc::key_refused || cause == errc::ledger_failed;
}

} // namespace

bool books::enter(const std::shared_ptr<run>& r) {
  errc refusal{};
  diagnostics details;
  {
    list own{r};
    const std::lock_guard lock(mutex_);
    if (!closed_ && ended_ == errc{}) {
      r->place = own.begin();
      list& in = list_of(*r);
      in.splice(in.end(), own);
      return true;
    }
    refusal = ended_;
    details = end_details_;
  }
  // Without the lock: what is called here may be the caller's.
  if (refusal != errc{})
    r->end(refusal, details);
  else
    r->request_stop(stop_mode::now);
  return false;
}

void books::leave(const std::shared_ptr<run>& r) {
  const std::lock_guard lock(mutex_);
  list& in = list_of(*r);
  assert(!in.empty());
  in.erase(r->place);
  if (closed_ && batches_.empty() && singles_.empty()) emptied_.notify_all();
}

std::vector<std::shared_ptr<run>> books::all() const {
  std::vector<std::shared_ptr<run>> result;
  result.reserve(batches_.size() + singles_.size());
  for (const auto* in : {&batches_, &singles_}) std::ranges::copy(*in, std::back_inserter(result));
  return result;
}

std::vector<std::shared_ptr<run>> books::running() const {
  const std::lock_guard lock(mutex_);
  return all();
}

std::vector<std::shared_ptr<run>> books::end_all(errc cause, const diagnostics& details) {
  std::vector<std::shared_ptr<run>> result;
  {
    const std::lock_guard lock(mutex_);
    if (lasts(cause) && ended_ == errc{}) {
      ended_ = cause;
      end_details_ = details;
    }
    result = all();
  }
  std::erase_if(result, [&](const auto& r) { return !r->end(cause, details); });
  return result;
}

void books::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
}

void books::wait_until_empty() {
  std::unique_lock lock(mutex_);
  assert(closed_);
  emptied_.wait(lock, [&] { return batches_.empty() && singles_.empty(); });
}

} // namespace hoist::engine
