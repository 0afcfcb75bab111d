#include "engine/intake.hpp"

#include "engine/thread.hpp"

#include <utility>

namespace hoist::engine {

intake::intake(std::shared_ptr<run> r, std::size_t files_open_max, const admission& gate, hooks h)
    : run_(std::move(r)), files_open_max_(files_open_max), admission_(gate), hooks_(std::move(h)),
      thread_(started([this] { loop(); })) {}

void intake::loop() {
  while (run_->wait_for_room(files_open_max_)) {
    auto next = run_->pull();
    if (!next) break;
    run_->file_taken();
    item file;
    file.what = std::move(*next);
    file.owner = run_;
    if (auto known = admission_.examine(file))
      hooks_.settle(std::move(*known));
    else
      hooks_.accept(std::move(file));
  }
  hooks_.ended(run_);
  finished_ = true;
}

} // namespace hoist::engine
