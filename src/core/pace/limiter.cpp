#include "core/pace/limiter.hpp"

namespace hoist::core {

namespace {

// What a request costs beside its body, in bytes of body: about what a connection carries in the time of an exchange.
// It makes small files and large ones comparable; nothing hangs on its exact value.
constexpr double bytes_per_request = 64 * 1024;

} // namespace

void limiter::ended(instant begun, instant now, ending how, int in_flight, std::uint64_t bytes) {
  const double work = how == ending::served ? 1 + static_cast<double>(bytes) / bytes_per_request : 0;
  if (how != ending::silent) window_.answered(now - begun);
  window_.ended(begun, now, in_flight, work);
  if (how == ending::silent) return;
  latency_.add(std::chrono::duration_cast<histogram::micros>(now - begun));
  throttled_ += how == ending::throttled ? 1 : 0;
  rate_->with([&](rate& r) { r.answered(begun, now, how == ending::throttled, in_flight); });
}

std::optional<double> limiter::per_second() const {
  if (!rate_->limited()) return std::nullopt;
  return rate_->with([&](const rate& r) { return r.per_second() / shards_; });
}

host_figures limiter::figures() const {
  return {window_.size(), per_second().value_or(0), throttled_, latency_};
}

void host_figures::merge(const host_figures& other) noexcept {
  window += other.window;
  per_second += other.per_second;
  throttled += other.throttled;
  latency.merge(other.latency);
}

} // namespace hoist::core
