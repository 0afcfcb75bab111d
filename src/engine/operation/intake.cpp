#include "engine/operation/intake.hpp"

#include <utility>

namespace hoist::engine {

intake::intake(std::shared_ptr<run> r, const std::atomic<std::size_t>& held_up, const admission& gate, ways_on on)
    : run_(std::move(r)), held_up_(&held_up), admission_(&gate), on_(std::move(on)) {}

void intake::pull_all() {
  while (run_->wait_for_room(*held_up_)) {
    auto next = run_->pull();
    if (!next) break;
    run_->file_taken();
    item file;
    file.what = std::move(*next);
    file.owner = run_;
    if (auto known = admission_->examine(file))
      on_.settle(std::move(*known));
    else
      on_.accept(std::move(file));
  }
  run_->no_more_to_pull();
  run_->reports().end();
}

} // namespace hoist::engine
