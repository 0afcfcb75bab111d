#include "engine/operation/examiner.hpp"

#include "engine/loop/thread.hpp"

#include <utility>

namespace hoist::engine {

examiner::examiner(const admission& gate, ways_on on)
    : admission_(gate), on_(std::move(on)), thread_(start_thread([this] { loop(); })) {}

examiner::~examiner() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void examiner::put(item file) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(file));
  }
  if (first) wake_.notify_one();
}

void examiner::loop() {
  std::vector<item> files;
  while (take(files))
    for (item& file : files) see_to(std::move(file));
}

bool examiner::take(std::vector<item>& into) {
  into.clear();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || !inbox_.empty(); });
  std::swap(into, inbox_);
  return !into.empty();
}

void examiner::see_to(item file) {
  if (file.owner->stopping()) { // nobody wants to know any more; its shard settles it
    file.examined = true;
    return on_.accept(std::move(file));
  }
  if (auto known = admission_.examine(file))
    on_.settle(std::move(*known));
  else
    on_.accept(std::move(file));
}

} // namespace hoist::engine
