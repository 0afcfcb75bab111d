// Events, and what follows from them. Who goes next is in scheduler_next.cpp, what is waited for in
// scheduler_waits.cpp.

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

/// A refused handshake counts as a lost one where others have been completed: one node behind a balancer may be broken.
/// Where it would end the run, those under way are waited for as well.
outcome scheduler::excused(outcome why, const host& where) const noexcept {
  if (why.kind != outcome_kind::tls_refused || !where.excuses_handshake()) return why;
  const bool ends_the_run = &where == &api_ || !others_in_use(where);
  if (where.reached() || ends_the_run) why.kind = outcome_kind::handshake_lost;
  return why;
}

bool scheduler::others_in_use(const host& than) const noexcept {
  return std::ranges::any_of(storages_, [&](const auto& h) { return h && h.get() != &than && h->in_use(now_); });
}

// ---- what follows from an outcome -------------------------------------------------------------------------------

/// What never left was no request: the counts are those of the server.
void scheduler::count_left(file_state& file, bool putting, outcome_kind why) noexcept {
  if (why != outcome_kind::exhausted && !never_left(why)) {
    shortage_until_ = {};
    shortage_pause_ = {};
    short_since_.reset();
  }
  if (!never_left(why)) return;
  --(putting ? file.puts : file.presigns);
  --(putting ? tallies_.puts : tallies_.presigns);
}

bool scheduler::ticket_lapsed(const file_state& file, const outcome& why, instant now) const noexcept {
  return why.ticket_age ? bounded(*why.ticket_age) >= since(file.ticket.expiry, file.ticket.issued)
                        : file.ticket.lapsed(now);
}

void scheduler::decide(file_id f, const outcome& why, host& where, instant now) {
  file_state& file = files_[f];
  const bool putting = file.at == stage::putting;
  file.at = stage::absent; // between two stages, until one of the branches below gives it a new one
  attempt_end end{why, putting};
  end.host_away = !where.gate.open();
  end.host_alive = where.gate.open() && where.is_alive(file.begun, now);
  end.ticket_lapsed = putting && ticket_lapsed(file, why, now);
  if (ends_the_run(f, why, where, now)) return;
  if (file.draining) return settle(f, settlement::abandoned, file.end_cause);
  if (is_the_only_one_refused(file, why, where, now)) return settle(f, settlement::failed, errc::gave_up);
  carry_out(f, file.life.after(end), where, why, now);
}

/// A file whose every answer is a 502 while the host serves others would keep it "away" once it is the last one. That
/// is the file's failure, and ends by time.
bool scheduler::is_the_only_one_refused(file_state& file, const outcome& why, const host& where,
                                        instant now) const noexcept {
  if (why.kind != outcome_kind::unavailable && why.kind != outcome_kind::gateway) {
    file.absents = 0;
    return false;
  }
  if (file.absents++ == 0) file.absent_since = now;
  return file.absents >= limits::absent_answers && now - file.absent_since > give_up_after_ && where.last_served() &&
         *where.last_served() > file.absent_since + limits::absent_answers_few_within;
}

/// Whether nothing of the run can go on. Then this file is settled with the others.
bool scheduler::ends_the_run(file_id f, const outcome& why, const host& where, instant now) {
  using enum outcome_kind;
  file_state& file = files_[f];
  const bool at_api = &where == &api_;
  const auto end = [&](errc cause, settlement how) {
    end_run(cause, f, now);
    settle(f, file.draining ? settlement::abandoned : how, cause);
    return true;
  };
  switch (why.kind) {
  case key_refused: return end(errc::key_refused, settlement::abandoned);
  case private_storage: return end(errc::private_storage, settlement::abandoned);
  case tls_refused: // one origin of several may have a bad certificate; the others go on
    return (at_api || !others_in_use(where)) && end(errc::tls_refused, settlement::abandoned);
  case unreachable: {
    const auto down = api_.gate.down_since();
    return at_api && !shared_.presigned && shared_.connections == 0 && down &&
           now - *down >= limits::unreachable_grace && end(errc::api_unreachable, settlement::abandoned);
  }
  case rejected:
  case malformed:
  case url_refused:
  case header_refused:
    return at_api && !why.of_this_request && shared_.api.refused(file.counted_refusal) &&
           end(errc::api_refused, settlement::failed);
  case refused: {
    if (at_api || ticket_lapsed(file, why, now)) return false;
    const auto age = why.ticket_age ? bounded(*why.ticket_age) : since(now, file.ticket.issued);
    return age < limits::young_ticket && shared_.refusals.refused(file.refusal_streak) &&
           end(errc::storage_refused, settlement::failed);
  }
  default: return false;
  }
}

void scheduler::carry_out(file_id f, step s, host& where, const outcome& why, instant now) {
  file_state& file = files_[f];
  switch (s.what) {
  case next_step::retry: return retry_later(f, where, why, now);
  case next_step::again: return requeue(f, now);
  case next_step::in_turn:
    if (why.retry_after) owe_attempt(file, std::min(*why.retry_after, limits::retry_after_max), now);
    return requeue(f, now, turn::last);
  case next_step::reconnect:
    file.owes_token = false;
    return park(f, std::max(where.connects.resumes(where.connections()), later(now, limits::reconnect_pause)), now);
  case next_step::shortage: return retry_after_shortage(f, now);
  case next_step::fail: return settle(f, settlement::failed, s.cause);
  case next_step::abandon: return settle(f, settlement::abandoned, file.end_cause);
  case next_step::new_ticket:
    if (ticket_lapsed(file, why, now)) return refresh(f, now);
    file.has_ticket = false;
    return requeue(f, now);
  }
}

/// A new ticket for one that lapsed. An outage does not use these up: the file that is renewed for the probe then
/// begins a PUT, which begins the count anew.
void scheduler::refresh(file_id f, instant now) {
  file_state& file = files_[f];
  file.has_ticket = false;
  // Where several origins are in use a ticket may wait long for one that is slow, while others need theirs made.
  if (!several_in_use() && !file.life.may_renew_lapsed()) return settle(f, settlement::failed, errc::ticket_lapsed);
  ++tallies_.refreshes;
  requeue(f, now);
}

/// Its ticket was dead on arrival. That is the API's failure, and charged as one: asking again at once brings the same.
void scheduler::renew_dead(file_id f, instant now) {
  file_state& file = files_[f];
  if (shared_.api.refused(file.counted_refusal)) {
    end_run(errc::api_refused, f, now);
    return settle(f, settlement::failed, errc::ticket_lapsed);
  }
  file.has_ticket = false;
  if (!file.life.may_renew_dead()) return settle(f, settlement::failed, errc::ticket_lapsed);
  ++tallies_.refreshes;
  const int n = static_cast<int>(file.charged++);
  const auto pause = backoff(policy_.throttled, std::min(n, file.life.dead_tickets()), {}, rng_);
  file.failed_at_api = true;
  file.owes_token = true;
  file.failing.failed(now, readings_for(file, now), pause);
  if ((policy_.attempts_max > 0 && std::cmp_greater_equal(file.charged, policy_.attempts_max)) ||
      out_of_patience(file, now))
    return settle(f, settlement::failed, errc::ticket_lapsed);
  park(f, later(now, pause), now);
}

/// A charged retry. The host that throttles is spared by its rate, any other by its budget.
void scheduler::retry_later(file_id f, host& where, const outcome& why, instant now) {
  file_state& file = files_[f];
  const bool throttled = why.kind == outcome_kind::throttled;
  const bool asked = why.retry_after.has_value();
  const int n = static_cast<int>(std::min<std::uint32_t>(file.charged++, 1000));
  instant::duration wait = backoff(throttled ? policy_.throttled : policy_.transient, n, why.retry_after, rng_);
  file.failed_at_api = &where == &api_;
  judge_at(file, where, now);
  // What was asked for is not its own; but it would have had a pause of its own, too.
  const instant::duration own =
      asked ? std::min<instant::duration>(wait, backoff(policy_.transient, n, {}, rng_)) : wait;
  file.failing.failed(now, readings_for(file, now), own);
  file.owes_token = !throttled && !asked;
  const auto used = file.failing.used(now, readings_for(file, now));
  const bool too_often = policy_.attempts_max > 0 && std::cmp_greater_equal(file.charged, policy_.attempts_max);
  if (too_often || used >= give_up_after_) return settle(f, settlement::failed, errc::gave_up);
  const bool last = !asked && wait >= give_up_after_ - used;
  if (last) wait = give_up_after_ - used; // the last try comes when its time is up, not after
  if (asked || last) owe_attempt(file, wait, now);
  ++tallies_.retries;
  park(f, later(now, wait), now);
}

/// Uncharged, but it ends by time: a shortage that lasts is not waited out for ever.
void scheduler::retry_after_shortage(file_id f, instant now) {
  file_state& file = files_[f];
  if (!short_since_) short_since_ = now;
  if (now >= shortage_until_) {
    shortage_pause_ =
        std::clamp<instant::duration>(2 * shortage_pause_, limits::shortage_pause_first, limits::shortage_pause_max);
    shortage_until_ = now + shortage_pause_;
  }
  const auto pause = shortage_until_ - now;
  file.failing.failed(now, readings_for(file, now), pause);
  file.owes_token = false;
  if (now - *short_since_ >= give_up_after_) return settle(f, settlement::failed, errc::gave_up);
  park(f, shortage_until_, now);
}

// ---- patience ---------------------------------------------------------------------------------------------------

patience::readings scheduler::readings_for(const file_state& file, instant now) const noexcept {
  const host& h = file.judged_at != nullptr ? *file.judged_at : api_;
  // Who waits for the API also waits while every storage is away, since no tickets are made then.
  return {(file.judged_by_api_too || &h == &api_ ? h.away_or_api : h.away).read(now), h.sick.read(now), h.served()};
}

/// Its patience runs by the clocks of `h` from now on.
void scheduler::judge_at(file_state& file, const host& h, instant now) noexcept {
  const auto before = readings_for(file, now);
  file.judged_at = &h;
  file.judged_by_api_too = &h != &api_ && file.at == stage::waiting;
  file.failing.moved(now, before, readings_for(file, now));
}

bool scheduler::out_of_patience(const file_state& file, instant now) const noexcept {
  return file.failing.used(now, readings_for(file, now)) > give_up_after_;
}

/// The host asked for this wait: the file is tried once more after it, unless its turn does not come for as long again.
void scheduler::owe_attempt(file_state& file, instant::duration asked, instant now) noexcept {
  file.owed_until = later(later(now, asked), give_up_after_);
}

/// Whether the time of a file that waits has run out; then it is settled, unless it is owed an attempt.
bool scheduler::give_up(file_id f, instant now) {
  const file_state& file = files_[f];
  if (!out_of_patience(file, now)) return false;
  if (now <= file.owed_until) return false;
  leave_queue(f);
  settle(f, settlement::failed, errc::gave_up);
  return true;
}

/// The clock of each origin also runs while the API is away.
void scheduler::sync_clocks(instant now) noexcept {
  bool any_away = false, any_there = false;
  for_each_storage([&](origin_id, host& h) {
    h.away_or_api.set(h.away.running() || api_.away.running(), now);
    any_away = any_away || h.away.running();
    any_there = any_there || (h.in_use(now) && h.gate.open());
  });
  api_.away_or_api.set(api_.away.running() || (any_away && !any_there), now);
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
