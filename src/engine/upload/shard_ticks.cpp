// What a shard does ten times a second: shut what is overdue, make leases durable, publish its figures.

#include "engine/upload/shard.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hoist::engine {

using namespace std::chrono_literals;
using core::file_id;

namespace {

constexpr auto tick_interval = 100ms;

core::instant now_steady() {
  return std::chrono::steady_clock::now();
}

} // namespace

void shard::start_ticking() {
  if (std::exchange(ticking_, true)) return;
  ticker_.expires_after(tick_interval);
  ticker_.async_wait([this](const net::error_code& ec) { tick(ec); });
}

void shard::tick(const net::error_code& ec) {
  ticking_ = false;
  if (ec) return;
  const bool connected = sweep(now_steady());
  if (config_.durable) record_leases();
  publish();
  publish_limits();
  publish_held_up();
  const auto now = now_steady();
  watch_liveness(now);
  tell_absences(now);
  publish_wait(now);
  if (scheduler_.done() && !connected) return;
  if (!scheduler_.done()) {
    listener_.sampled({scheduler_.bottleneck(), scheduler_.held_at_api(), scheduler_.puts_in_flight(),
                       scheduler_.presigns_in_flight()});
  }
  start_ticking();
}

void shard::publish_held_up() {
  const std::size_t before = std::exchange(held_up_, scheduler_.held_up());
  if (held_up_ != before)
    listener_.held_up_changed(static_cast<std::ptrdiff_t>(held_up_) - static_cast<std::ptrdiff_t>(before));
}

/// Shuts what is overdue; whether anything is connected still.
bool shard::sweep(core::instant now) {
  bool connected = false;
  std::size_t i = 0;
  for (auto& c : channels_) {
    if (sweeper_.overdue(i++, c->doing(), now)) c->shut(net::asio::error::timed_out);
    connected = connected || c->connected();
  }
  i = static_cast<std::size_t>(config_.channels_max()); // whatever is made later keeps its place
  for (auto& w : workers_) {
    if (sweeper_.overdue(i++, w->doing(), now)) w->shut(net::asio::error::timed_out);
    w->count_connection(now);
    connected = connected || w->connected();
  }
  i = static_cast<std::size_t>(config_.channels_max() + config_.workers_max());
  if (sweeper_.overdue(i, adopter_->doing(), now)) adopter_->shut(net::asio::error::timed_out);
  return connected || adopter_->busy();
}

/// A PUT that is under way at a tick is worth a row: if we are killed, what it stored can be found again. Most are
/// shorter than that, and of the others many end within the same group, which writes their end alone.
void shard::record_leases() {
  for (file_id f = 0; f < flights_.size(); ++f) {
    flight& one = flights_[f];
    if (one.worker == nullptr || one.file.what.memory || std::exchange(one.leased, true)) continue;
    ledger::row r;
    r.path = one.file.record_name.empty() ? one.file.what.path.native() : one.file.record_name;
    r.state = ledger::row_state::leased;
    r.size = one.file.identity.size;
    r.mtime_ns = one.file.identity.mtime_ns;
    r.ctime_ns = one.file.identity.ctime_ns;
    r.id = one.ticket.id;
    r.public_url = one.ticket.public_url;
    r.content_type = one.file.content_type;
    r.retained_until = one.retained_until;
    r.expires = one.ticket.dates.signed_until;
    r.attempts = scheduler_.puts_of(f);
    r.presigns = scheduler_.presigns_of(f);
    leases_.push_back(std::move(r));
  }
  journal_.lease(leases_);
}

void shard::publish() {
  std::uint64_t body_bytes = 0;
  for (const auto& w : workers_) body_bytes += w->doing().body_bytes;
  const auto& t = scheduler_.tallies();
  publish_from(0, std::array<std::uint64_t, counted>{taken_, done_, failed_, body_bytes, done_bytes_, t.presigns,
                                                     t.puts, t.retries, t.refreshes, connections_,
                                                     static_cast<std::uint64_t>(scheduler_.puts_in_flight()),
                                                     static_cast<std::uint64_t>(scheduler_.presigns_in_flight()),
                                                     stream_tallies_.batches, stream_tallies_.sends});
}

/// What costs more to find out, and need not be known at once.
void shard::publish_limits() {
  const auto api = scheduler_.api_figures(), storage = scheduler_.storage_figures();
  publish_from(counted, std::array<std::uint64_t, figures - counted>{
                            static_cast<std::uint64_t>(storage.window), static_cast<std::uint64_t>(api.window),
                            storage.throttled, api.throttled, static_cast<std::uint64_t>(storage.per_second),
                            static_cast<std::uint64_t>(api.per_second),
                            static_cast<std::uint64_t>(storage.latency.quantile(0.99).count()),
                            static_cast<std::uint64_t>(api.latency.quantile(0.99).count())});
}

void shard::add_to(counters& sum) const {
  {
    const std::lock_guard lock(wait_mutex_);
    if (wait_ && (!sum.waits_for || sum.waits_for->since < wait_->since)) sum.waits_for = wait_;
  }
  const std::array<std::uint64_t*, figures> to{&sum.files_taken,    &sum.files_done,
                                               &sum.files_failed,   &sum.bytes_sent,
                                               &sum.bytes_done,     &sum.presigns,
                                               &sum.puts,           &sum.retries,
                                               &sum.refreshes,      &sum.connections,
                                               &sum.puts_in_flight, &sum.presigns_in_flight,
                                               &sum.batches_sealed, &sum.sends,
                                               &sum.puts_window,    &sum.presigns_window,
                                               &sum.puts_throttled, &sum.presigns_throttled,
                                               &sum.put_rate_limit, &sum.presign_rate_limit,
                                               &sum.put_us_p99,     &sum.presign_us_p99};
  constexpr std::size_t added = figures - 2; // latencies do not add up: the slowest thread's is told
  for (std::size_t i = 0; i < added; ++i) *to[i] += published_[i].load(std::memory_order_relaxed);
  for (std::size_t i = added; i < figures; ++i)
    *to[i] = std::max(*to[i], published_[i].load(std::memory_order_relaxed));
}

} // namespace hoist::engine
