#pragma once

// A timer that goes off once, at the earliest of the moments asked for since it last did. One thread.

#include "core/base/time.hpp"
#include "net/types.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace hoist::engine {

class alarm {
 public:
  alarm(const net::executor& ex, std::function<void()> ring) : timer_(ex), ring_(std::move(ring)) {}

  void ring_at(core::instant when, core::instant now) {
    if (when >= due_) return;
    due_ = std::max(when, now);
    timer_.expires_at(due_);
    timer_.async_wait([this](const net::error_code& ec) {
      if (ec) return; // set anew for an earlier moment, or cancelled
      due_ = core::instant::max();
      ring_();
    });
  }

  void cancel() { timer_.cancel(); }

 private:
  net::timer timer_;
  std::function<void()> ring_;
  core::instant due_ = core::instant::max();
};

} // namespace hoist::engine
