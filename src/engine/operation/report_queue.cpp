#include "engine/operation/report_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hoist::engine {

void report_queue::contents::clear() {
  files.clear();
  lines.clear();
  lines_lost = 0;
  ended = false;
}

/// The reader is woken without the lock, which it would only have to wait for.
template <class Change>
void report_queue::change(Change make) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    make();
    wakes = std::exchange(asleep_, false);
  }
  if (wakes) wake_.notify_one();
}

void report_queue::post() {
  change([&] {
    if (waiting_.files.empty())
      std::swap(waiting_.files, staged_);
    else
      std::ranges::move(staged_, std::back_inserter(waiting_.files));
  });
  staged_.clear();
}

void report_queue::log(severity level, const std::string& text) {
  change([&] {
    if (waiting_.lines.size() < lines_max)
      waiting_.lines.push_back({level, text});
    else
      ++waiting_.lines_lost;
  });
}

void report_queue::end() {
  change([&] { waiting_.ended = true; });
}

void report_queue::take(contents& into, std::optional<core::instant> deadline) {
  into.clear();
  std::unique_lock lock(mutex_);
  if (waiting_.empty()) {
    asleep_ = true;
    const auto woken = [&] { return !asleep_; };
    if (deadline)
      wake_.wait_until(lock, *deadline, woken);
    else
      wake_.wait(lock, woken);
    asleep_ = false;
  }
  std::swap(into, waiting_);
}

} // namespace hoist::engine
