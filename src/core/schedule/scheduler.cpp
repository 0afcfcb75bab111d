// Events and queues. What follows from an outcome is in scheduler_outcomes.cpp, who goes next in scheduler_next.cpp.

#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;
using action::settlement;

namespace {

window_range range_of(sizing how, int min, int max) {
  return {std::min(min, max), window_range{}.start, max, how == sizing::adaptive};
}

host_policy policy_for(const scheduler_limits& l, const retry_policy& p, window_range window) {
  return {window, p.budget, p.rate, p.connects, p.probe_interval, nullptr, p.shards, l.counts_connections};
}

host_policy presign_policy(const scheduler_limits& l, const retry_policy& p, shared_rate& together) {
  host_policy result = policy_for(l, p, range_of(l.presigns, l.presigns_min, l.presigns_max));
  result.together = &together;
  return result;
}

host_policy put_policy(const scheduler_limits& l, const retry_policy& p) {
  return policy_for(l, p, range_of(l.puts, l.puts_min, l.puts_max));
}

} // namespace

retry_policy share_of(retry_policy whole, int shards) noexcept {
  whole.budget = share_of(whole.budget, shards);
  whole.rate = share_of(whole.rate, shards);
  whole.connects = share_of(whole.connects, shards);
  whole.shards = shards;
  whole.probe_interval =
      std::min(whole.probe_interval * shards, std::max(whole.probe_interval, limits::probe_interval_max));
  return whole;
}

scheduler::scheduler(scheduler_limits limits, retry_policy policy, std::uint64_t seed, shared_facts* shared)
    : limits_(limits)
    , policy_(policy)
    , rng_(seed)
    , shared_(shared != nullptr ? *shared : own_)
    , put_policy_(put_policy(limits, policy))
    , api_(presign_policy(limits, policy, shared_.presigns), links_)
    , give_up_after_(bounded(policy.give_up_after)) {
  assert(limits.puts_max >= 1 && limits.presigns_max >= 1);
  storage(0); // so that there is a window before the first ticket tells of an origin
}

host& scheduler::storage(origin_id o) {
  assert(o < limits::origins_max);
  if (o >= storages_.size()) storages_.resize(o + std::size_t{1});
  if (!storages_[o]) storages_[o] = std::make_unique<host>(put_policy_, links_);
  return *storages_[o];
}

void scheduler::origin_is_shared(origin_id o, shared_rate& together) {
  assert(origin_idle(o));
  host_policy policy = put_policy_;
  policy.together = &together;
  if (o >= storages_.size()) storages_.resize(o + std::size_t{1});
  storages_[o] = std::make_unique<host>(policy, links_);
}

void scheduler::group_presigns(int n) noexcept {
  assert(n >= 1);
  presign_group_ = api_.depth = n;
}

// ---- connections ------------------------------------------------------------------------------------------------

void scheduler::connection_opened(std::optional<origin_id> to, instant now) {
  (to ? storage(*to) : api_).connection_opened(now);
  if (!to) ++shared_.connections;
  sync_clocks(now);
}

void scheduler::connection_closed(std::optional<origin_id> to) {
  (to ? storage(*to) : api_).connection_closed();
  if (!to) --shared_.connections;
}

void scheduler::origin_known(origin_id o, bool served, instant now) {
  storage(o).known_elsewhere(served, now);
  sync_clocks(now);
}

bool scheduler::origin_idle(origin_id o) const noexcept {
  if (o >= storages_.size() || !storages_[o]) return true;
  const host& h = *storages_[o];
  return h.connections() == 0 && h.files == 0;
}

void scheduler::forget_origin(origin_id o) {
  assert(origin_idle(o));
  if (o < storages_.size()) storages_[o].reset();
}

// ---- events -----------------------------------------------------------------------------------------------------

void scheduler::on(const scheduler_event& e, instant now) {
  now_ = std::max(now_, now);
  std::visit([&](const auto& one) { handle(one, now); }, e);
}

void scheduler::handle(const event::file_added& e, instant now) {
  if (e.file >= files_.size()) {
    files_.resize(e.file + std::size_t{1});
    links_.resize(files_.size());
  }
  assert(files_[e.file].at == stage::absent);
  const auto parking = files_[e.file].parking; // an entry that an earlier file left behind is none of this one's
  files_[e.file] = file_state{};
  files_[e.file].parking = parking;
  files_[e.file].operation = e.operation;
  ++open_files_;
  enter(e.file, stage::waiting, now);
  waiting_.push_back(e.operation, e.file);
}

void scheduler::handle(const event::presign_answered& e, instant now) {
  file_state& file = files_[e.file];
  assert(file.at == stage::presigning);
  api_.served_one(file.begun, now, 0);
  sync_clocks(now);
  shared_.presigned = true;
  file.at = stage::absent;
  if (file.draining) return settle(e.file, settlement::abandoned, file.end_cause);
  file.ticket = e.ticket;
  file.has_ticket = true;
  if (file.origin != no_origin) --storages_[file.origin]->files;
  file.origin = e.origin;
  host& where = storage(e.origin);
  ++where.files;
  if (!file.ticket.usable(now)) return renew_dead(e.file, now);
  shared_.api.served();
  if (file.failing.failing() && file.failed_at_api) file.failing = {}; // what failed at the API has come to a good end
  ticket_life_ = since(e.ticket.use_before, e.ticket.issued);
  if (const origin_id left = std::exchange(file.left, no_origin); left != no_origin) {
    if (left != e.origin) file.owes_token = false; // there it has not failed
    file.led_back = left == e.origin ? file.led_back + 1 : 0;
    if (left < storages_.size() && storages_[left]) {
      host& bad = *storages_[left];
      bad.led_back_in_a_row = left == e.origin ? bad.led_back_in_a_row + 1 : 0;
    }
  }
  if (file.owes_token && !file.failed_at_api) {
    enter(e.file, stage::unfunded, now);
    return where.unfunded.push_back(file.operation, e.file);
  }
  file.owes_token = false;
  enter(e.file, stage::ready, now);
  if (where.gate.open())
    where.ready.push_back(file.operation, e.file);
  else
    where.ready.push_front(file.operation, e.file); // the next probe needs a ticket that lives
}

void scheduler::handle(const event::presign_failed& told, instant now) {
  const event::presign_failed e{told.file, excused(told.why, api_)};
  file_state& file = files_[e.file];
  assert(file.at == stage::presigning);
  count_left(file, false, e.why.kind);
  const bool storage_away = storages_.size() == 1 && storages_[0] && !storages_[0]->gate.open();
  if (shared_.presigned) api_.known_elsewhere(true, now);
  api_.failed_one(e.why, file.begun, file.role, now, storage_away ? 2 : 1); // an API may be its own storage
  sync_clocks(now);
  decide(e.file, e.why, api_, now);
}

void scheduler::handle(const event::put_answered& e, instant now) {
  file_state& file = files_[e.file];
  assert(file.at == stage::putting);
  --puts_in_flight_;
  storage(file.origin).served_one(file.begun, now, e.bytes);
  sync_clocks(now);
  ++stored_;
  shortage_until_ = {};
  shortage_pause_ = {};
  short_since_.reset();
  shared_.refusals.served();
  settle(e.file, settlement::done);
}

void scheduler::handle(const event::put_failed& told, instant now) {
  const event::put_failed e{told.file, excused(told.why, storage(files_[told.file].origin))};
  file_state& file = files_[e.file];
  assert(file.at == stage::putting);
  --puts_in_flight_;
  count_left(file, true, e.why.kind);
  host& where = storage(file.origin);
  where.failed_one(e.why, file.begun, file.role, now, api_.gate.open() ? 1 : 2);
  sync_clocks(now);
  decide(e.file, e.why, where, now);
}

void scheduler::handle(const event::file_cancelled& e, instant now) {
  if (e.file >= files_.size()) return;
  file_state& file = files_[e.file];
  now_ = std::max(now_, now);
  switch (file.at) {
  case stage::absent: return;
  case stage::waiting:
  case stage::ready:
  case stage::parked:
  case stage::unfunded: leave_queue(e.file); return settle(e.file, settlement::abandoned, file.end_cause);
  case stage::presigning:
  case stage::putting: break;
  }
  file.draining = true;
  // A presign in flight is not worth waiting for: its ticket would not be used.
  if (e.how == stop_kind::now || file.at == stage::presigning) decided_.push_back(action::abort_attempt{e.file});
}

// ---- queues -----------------------------------------------------------------------------------------------------

/// Whom a file in a queue waits for. Who needs a new ticket after a failure at the storage, or because of it, waits for
/// the storage.
host& scheduler::waits_for(const file_state& file) noexcept {
  if (file.at == stage::ready) return storage(file.origin);
  if (file.at == stage::unfunded || file.failing.failing()) return failed_at(file);
  return file.left != no_origin ? storage(file.left) : api_;
}

/// Into a queue: `waiting`, `ready` or `unfunded`.
void scheduler::enter(file_id f, stage at, instant now) noexcept {
  file_state& file = files_[f];
  file.at = at;
  file.since = now;
  judge_at(file, waits_for(file), now);
  file.failing.waits(now, readings_for(file, now));
}

/// Into the queue that it came from: to the head, since it has waited for its turn already; or behind the others, so
/// that another file, whose ticket may lead elsewhere, is the next probe.
void scheduler::requeue(file_id f, instant now, turn when) {
  file_state& file = files_[f];
  enter(f, file.has_ticket ? stage::ready : stage::waiting, now);
  const auto into = [&](auto& queue) {
    when == turn::next ? queue.push_front(file.operation, f) : queue.push_back(file.operation, f);
  };
  file.has_ticket ? into(storage(file.origin).ready) : into(waiting_);
}

void scheduler::park(file_id f, instant until, instant now) {
  file_state& file = files_[f];
  file.at = stage::parked;
  file.since = now;
  ++parked_count_;
  parked_at_api_ += file.failed_at_api ? 1 : 0;
  parked_.push({until, f, ++file.parking});
}

/// Takes a file out of whatever it waits in. A parked one leaves its entry behind, which is known by its number.
void scheduler::leave_queue(file_id f) noexcept {
  file_state& file = files_[f];
  switch (file.at) {
  case stage::waiting: waiting_.erase(file.operation, f, std::exchange(file.renewing, false)); break;
  case stage::ready: storages_[file.origin]->ready.erase(file.operation, f); break;
  case stage::unfunded: failed_at(file).unfunded.erase(file.operation, f); break;
  case stage::parked:
    ++file.parking;
    --parked_count_;
    parked_at_api_ -= file.failed_at_api ? 1 : 0;
    file.at = stage::absent;
    drop_stale_parkings();
    break;
  case stage::absent:
  case stage::presigning:
  case stage::putting: break;
  }
  file.at = stage::absent;
}

/// Entries of files that left before their time: at the head at once, elsewhere once they are most of it.
void scheduler::drop_stale_parkings() noexcept {
  const auto stale = [&](const parked_file& p) {
    return files_[p.file].at != stage::parked || files_[p.file].parking != p.parking;
  };
  while (!parked_.empty() && stale(parked_.top())) parked_.pop();
  if (parked_.size() < 64 || parked_.size() < 2 * parked_count_) return;
  std::vector<parked_file> alive;
  alive.reserve(parked_count_);
  for (; !parked_.empty(); parked_.pop())
    if (!stale(parked_.top())) alive.push_back(parked_.top());
  parked_ = parked_queue(std::greater<>{}, std::move(alive));
}

void scheduler::settle(file_id f, settlement how, errc cause) {
  files_[f].at = stage::absent;
  if (files_[f].origin != no_origin) --storages_[files_[f].origin]->files;
  --open_files_;
  decided_.push_back(action::settle{f, how, cause});
}

/// Everything inside is given up. What is added later begins anew: the cause may be mended by then.
void scheduler::end_run(errc cause, file_id shown_by, instant now) {
  decided_.push_back(action::end_run{cause, shown_by});
  for (file_id f = 0; f < files_.size(); ++f) {
    const stage at = files_[f].at;
    if (at == stage::absent || at == stage::presigning || at == stage::putting) continue;
    leave_queue(f);
    settle(f, settlement::abandoned, cause);
  }
  for (file_id f = 0; f < files_.size(); ++f) {
    if (files_[f].at == stage::absent) continue;
    files_[f].end_cause = cause;
    files_[f].draining = true;
    decided_.push_back(action::abort_attempt{f});
  }
  api_.forget_absence(now);
  for_each_storage([&](origin_id, host& h) { h.forget_absence(now); });
  sync_clocks(now);
  shared_.refusals.restart();
  shared_.api.restart();
}

} // namespace hoist::core
