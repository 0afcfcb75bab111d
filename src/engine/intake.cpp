#include "engine/intake.hpp"

#include <utility>

namespace hoist::engine {

intake::intake(std::shared_ptr<run> r, std::size_t files_open_max, const admission& gate, ways_on on)
    : run_(std::move(r)), files_open_max_(files_open_max), admission_(&gate), on_(std::move(on)) {}

void intake::pull_all() {
  while (run_->wait_for_room(files_open_max_)) {
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
