#pragma once

// How long something has been so, over all its times.

#include "core/base/time.hpp"

#include <optional>

namespace hoist::core {

class stopwatch {
 public:
  bool running() const noexcept { return since_.has_value(); }
  std::optional<instant> since() const noexcept { return since_; }

  void start(instant now) noexcept {
    if (!since_) since_ = now;
  }

  void stop(instant now) noexcept {
    if (since_) total_ += now - *since_;
    since_.reset();
  }

  void set(bool runs, instant now) noexcept { runs ? start(now) : stop(now); }

  instant::duration read(instant now) const noexcept { return since_ ? total_ + (now - *since_) : total_; }

 private:
  instant::duration total_{};
  std::optional<instant> since_;
};

} // namespace hoist::core
