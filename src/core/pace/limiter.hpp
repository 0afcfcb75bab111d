#pragma once

// What one host may be sent of one kind of request: a window in flight and a rate, and how long its answers take. One
// of these stands before the API's presigns, one before the storage's PUTs, in each shard, and none knows of the
// others.

#include "core/base/histogram.hpp"
#include "core/pace/shared_rate.hpp"
#include "core/pace/window.hpp"

#include <cstdint>
#include <memory>
#include <optional>

namespace hoist::core {

/// What is worth telling of a host; that of several shards adds up.
struct host_figures {
  int window = 0;
  double per_second = 0; ///< the limit, of those schedulers that have one; 0: none has
  std::uint64_t throttled = 0;
  histogram latency; ///< of whatever was answered

  void merge(const host_figures& other) noexcept;
};

class limiter {
 public:
  enum class ending : std::uint8_t {
    served,    ///< it succeeded
    answered,  ///< the host said something else
    throttled, ///< the host said: less
    silent,    ///< no answer
  };

  /// `shared`: the rate of this host in all of `shards` schedulers; null: it has one of its own, by `policy`.
  limiter(window_range range, rate_policy policy, shared_rate* shared = nullptr, int shards = 1)
      : window_(range)
      , own_(shared == nullptr ? std::make_unique<shared_rate>(policy) : nullptr)
      , rate_(shared == nullptr ? own_.get() : shared)
      , shards_(shards) {}

  bool may_start(instant now) {
    return !rate_->limited() || rate_->with([&](rate& r) { return r.may_start(now); });
  }
  void started(instant now) {
    if (rate_->limited()) rate_->with([&](rate& r) { r.started(now); });
  }
  /// A request begun at `begun` is over, and so many are left in flight. `bytes`: of the body, if it was served.
  void ended(instant begun, instant now, ending how, int in_flight, std::uint64_t bytes);

  // Passed on to the window, which see.
  int size() const noexcept { return window_.size(); }
  instant::duration took() const noexcept { return window_.took(); }
  void held(instant now, instant::duration lead, int in_flight) noexcept { window_.held(now, lead, in_flight); }
  void restart() noexcept { window_.restart(); }
  void crowded(int in_flight, instant now) noexcept { window_.crowded(in_flight, now); }

  /// What is known of the host's rate, to be put back when what was learnt since turns out to be an outage.
  rate known_rate() const {
    return rate_->with([](const rate& r) { return r; });
  }
  void restore(const rate& known) {
    rate_->with([&](rate& r) {
      r = known;
      r.forget_interval();
    });
  }

  /// When the rate lets a burst start. Precondition: may_start() has just said no.
  instant resumes() const {
    return rate_->with([](const rate& r) { return r.resumes(); });
  }
  /// This scheduler's part of it.
  std::optional<double> per_second() const;
  host_figures figures() const;

 private:
  window window_;
  std::unique_ptr<shared_rate> own_;
  shared_rate* rate_;
  int shards_;
  histogram latency_;
  std::uint64_t throttled_ = 0;
};

} // namespace hoist::core
