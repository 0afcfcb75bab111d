#include "core/scheduler.hpp"

#include <algorithm>
#include <limits>
#include <ostream>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;
using action::settlement;

namespace {

// Bounds of what one file may ask for without being charged. Each exists so that no fault can loop for ever.
constexpr int refusals_max = 2;   // re-presigns after a 403 on a fresh ticket (contract §1)
constexpr int lapses_max = 10;    // tickets that lapsed before they could be used, or before the storage judged them
constexpr int mismatches_max = 2; // digests that differed
constexpr int changes_max = 3;    // times the file changed under our hands

constexpr millis young_ticket = 60s;

// An absence that is shorter has gathered no crowd.
constexpr millis outage_min = 1s;
// Many shards together probe oftener than they should, rather than notice too late that a host is back.
constexpr millis probe_interval_max = 20s;
// Before a host has ever answered, finding out quickly matters more than sparing a host that may not exist.
constexpr millis first_probe_interval = 250ms;
constexpr millis unreachable_grace = 3s;
constexpr int handshakes_lost_max = 3;
// Out of descriptors or ports: some of ours will be free again soon.
constexpr millis exhausted_pause = 100ms;

// Of its life a ticket made ahead may spend this part waiting, if PUTs go on as they do; and where the host's rate is the
// limit, at most this long.
constexpr int ticket_life_part = 4;
constexpr millis ticket_wait_max = 1s;

double share(instant::duration part, instant::duration whole) {
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

window_range range_of(sizing how, int min, int max) {
  return {std::min(min, max), window_range{}.start, max, how == sizing::adaptive};
}

window_range presign_range(const scheduler_limits& l) { return range_of(l.presigns, l.presigns_min, l.presigns_max); }
window_range put_range(const scheduler_limits& l) { return range_of(l.puts, l.puts_min, l.puts_max); }

} // namespace

retry_policy share_of(retry_policy whole, int shards) noexcept {
  whole.budget = share_of(whole.budget, shards);
  whole.rate = share_of(whole.rate, shards);
  whole.probe_interval = std::min(whole.probe_interval * shards, std::max(whole.probe_interval, probe_interval_max));
  return whole;
}

scheduler::host::host(window_range range, const retry_policy& policy)
    : gate(first_probe_interval, policy.probe_interval), limit(range, policy.rate), budget(policy.budget) {}

scheduler::scheduler(scheduler_limits limits, retry_policy policy, std::uint64_t seed, refusal_streak* shared)
    : limits_(limits), policy_(policy), rng_(seed), api_(presign_range(limits), policy), storage_(put_range(limits), policy),
      streak_(shared != nullptr ? *shared : own_streak_) {}

// ---- events -----------------------------------------------------------------------------------------------------

void scheduler::on(const scheduler_event& e, instant now) {
  std::visit([&](const auto& one) { handle(one, now); }, e);
}

void scheduler::handle(const event::file_added& e, instant) {
  if (e.file >= files_.size()) files_.resize(e.file + 1);
  files_[e.file] = file_state{};
  ++open_files_;
  if (ended_) return settle(e.file, settlement::abandoned, end_cause_);
  files_[e.file].at = stage::waiting;
  waiting_.push_back(e.file);
}

void scheduler::handle(const event::presign_answered& e, instant now) {
  --presigns_in_flight_;
  file_state& file = files_[e.file];
  heard_from(api_, now);
  api_.limit.ended(file.begun, now, limiter::ending::served, presigns_in_flight_, 0);
  api_.budget.earn();
  ++api_.served;
  presigned_once_ = true;
  if (file.draining || ended_) {
    release_probe(e.file, now);
    return settle(e.file, settlement::abandoned, end_cause_);
  }
  file.ticket = e.ticket;
  file.has_ticket = true;
  ticket_life_ = e.ticket.use_before - e.ticket.issued;
  if (!file.ticket.usable(now)) return refresh(e.file, now);
  file.at = stage::ready;
  if (is_probe(e.file))
    ready_.push_front(e.file);
  else
    ready_.push_back(e.file);
}

void scheduler::handle(const event::presign_failed& e, instant now) {
  --presigns_in_flight_;
  release_probe(e.file, now);
  tell_host(files_[e.file], e.why.kind, api_, presigns_in_flight_, now);
  decide(e.file, e.why, api_, now);
}

void scheduler::handle(const event::put_answered& e, instant now) {
  --puts_in_flight_;
  heard_from(storage_, now);
  storage_.limit.ended(files_[e.file].begun, now, limiter::ending::served, puts_in_flight_, e.bytes);
  storage_.budget.earn();
  ++storage_.served;
  streak_.served();
  settle(e.file, settlement::done);
}

void scheduler::handle(const event::put_failed& e, instant now) {
  --puts_in_flight_;
  tell_host(files_[e.file], e.why.kind, storage_, puts_in_flight_, now);
  decide(e.file, e.why, storage_, now);
}

void scheduler::handle(const event::file_cancelled& e, instant now) {
  file_state& file = files_[e.file];
  switch (file.at) {
    case stage::absent: return;
    case stage::waiting:
    case stage::ready:
    case stage::parked:
    case stage::unfunded: return abandon_queued(e.file, now);
    case stage::presigning:
    case stage::putting: break;
  }
  file.draining = true;
  // A presign in flight is not worth waiting for: its ticket would not be used.
  if (e.how == stop_kind::now || file.at == stage::presigning) decided_.push_back(action::abort_attempt{e.file});
}

void scheduler::handle(const event::run_ended& e, instant) {
  if (!ended_) end_run(e.cause);
}

// ---- what follows from an outcome -------------------------------------------------------------------------------

/// Whether an attempt that ended so shows that nobody is there any more: no connection; or the third in a row, with no answer in
/// between, over which nothing could be said (a balancer takes it, and has nobody to hand it to). One alone is an accident,
/// and many large files may be under way whose answers are far off. A host that has never served may be one that never will.
bool scheduler::shows_absence(outcome_kind why, const host& where) noexcept {
  return why == outcome_kind::unreachable ||
         (why == outcome_kind::handshake_lost && where.served > 0 && where.handshakes_lost >= handshakes_lost_max);
}

/// What the way an attempt ended says of the host, whatever becomes of the file.
void scheduler::tell_host(file_state& file, outcome_kind why, host& where, int in_flight, instant now) {
  using ending = limiter::ending;
  auto how = ending::silent;
  if (why == outcome_kind::handshake_lost) ++where.handshakes_lost;
  if (why < outcome_kind::unreachable) {
    how = why == outcome_kind::throttled ? ending::throttled : ending::answered;
    heard_from(where, now);
  } else if (shows_absence(why, where)) {
    const host& other = &where == &api_ ? storage_ : api_;
    where.gate.share_probes(other.gate.open() ? 1 : 2); // an API may be its own storage
    where.gate.unreachable(now, file.role);
  } else {
    where.gate.inconclusive(now, file.role);
  }
  where.limit.ended(file.begun, now, how, in_flight, 0);
  if (why == outcome_kind::exhausted) where.limit.crowded(in_flight, now);
}

/// It answers. After an outage, a crowd that had waited for that would be the next one.
void scheduler::heard_from(host& where, instant now) {
  if (const auto since = where.gate.down_since(); since && now - *since >= outage_min) where.limit.restart();
  where.gate.answered(now);
  where.handshakes_lost = 0;
}

void scheduler::decide(file_id f, outcome why, host& where, instant now) {
  using enum outcome_kind;
  file_state& file = files_[f];

  const bool putting = file.at == stage::putting;
  file.at = stage::absent; // between two stages, until one of the branches below gives it a new one

  if (why.kind == key_refused) end_run(errc::key_refused);
  if (why.kind == tls_refused) end_run(errc::tls_refused);
  if (why.kind == private_storage) end_run(errc::private_storage);
  if (why.kind == unreachable && &where == &api_ && !presigned_once_ &&
      now - *api_.gate.down_since() >= unreachable_grace)
    end_run(errc::api_unreachable);

  if (file.draining || ended_) return settle(f, settlement::abandoned, end_cause_);

  switch (why.kind) {
    case throttled:
    case transient:
    case lost: return retry_later(f, where, why, now);
    case handshake_lost:
      if (where.gate.open()) return retry_later(f, where, why, now);
      return queue_again(f);
    case unreachable: return queue_again(f);
    case unserved: return requeue(f);
    case exhausted: return park(f, now + exhausted_pause);
    case stale:
      if (file.free_retry_used) return retry_later(f, where, why, now);
      file.free_retry_used = true;
      return requeue(f);
    case refused:
      if (!putting) return settle(f, settlement::failed, errc::presign_rejected);
      return on_refused(f, now);
    case digest_mismatch:
      if (++file.mismatches > mismatches_max) return settle(f, settlement::failed, errc::digest_mismatch);
      return retry_later(f, where, why, now);
    case source_changed:
      if (++file.changes > changes_max) return settle(f, settlement::failed, errc::source_changed);
      return retry_later(f, where, why, now);
    case rejected:
      return settle(f, settlement::failed, putting ? errc::storage_rejected : errc::presign_rejected);
    case malformed: return settle(f, settlement::failed, errc::presign_malformed);
    case header_refused: return settle(f, settlement::failed, errc::header_refused);
    case url_refused: return settle(f, settlement::failed, errc::url_refused);
    case address_refused: return settle(f, settlement::failed, errc::address_refused);
    case source_missing: return settle(f, settlement::failed, errc::source_missing);
    case source_unreadable: return settle(f, settlement::failed, errc::source_unreadable);
    case source_not_regular: return settle(f, settlement::failed, errc::source_not_regular);
    case source_too_large: return settle(f, settlement::failed, errc::source_too_large);
    case cancelled: return settle(f, settlement::abandoned, end_cause_);
    case key_refused:
    case tls_refused:
    case private_storage: return; // ended above
  }
}

void scheduler::on_refused(file_id f, instant now) {
  file_state& file = files_[f];
  if (file.ticket.lapsed(now)) {
    if (++file.late_refusals > lapses_max) return settle(f, settlement::failed, errc::ticket_lapsed);
    return refresh(f, now);
  }
  if (now - file.ticket.issued < young_ticket && streak_.refused(file.refusal_streak)) {
    end_run(errc::storage_refused);
    return settle(f, settlement::failed, errc::storage_refused);
  }
  if (++file.refusals > refusals_max) return settle(f, settlement::failed, errc::storage_refused);
  file.has_ticket = false;
  file.at = stage::waiting;
  waiting_.push_front(f);
}

void scheduler::refresh(file_id f, instant now) {
  file_state& file = files_[f];
  file.has_ticket = false;
  // An outage does not run this up: during one only the probe's ticket is replaced, and its PUT begins the count anew. An
  // API whose tickets are dead on arrival does, outage or not, and must not be asked for ever.
  if (++file.lapses > lapses_max) {
    release_probe(f, now);
    return settle(f, settlement::failed, errc::ticket_lapsed);
  }
  ++tallies_.refreshes;
  file.at = stage::waiting;
  waiting_.push_front(f);
}

/// A charged retry. The host that throttles is spared by its rate, any other by its budget.
void scheduler::retry_later(file_id f, host& where, outcome why, instant now) {
  file_state& file = files_[f];
  const bool throttled = why.kind == outcome_kind::throttled;
  const int n = file.charged++;
  const auto wait = backoff(throttled ? policy_.throttled : policy_.transient, n, why.retry_after, rng_);
  file.failed_at = &where;
  file.owes_token = !throttled;
  const auto own_pause = why.retry_after ? 0ms : wait; // what was asked for is not its own
  file.failing.failed(patience_clock(now), where.served, own_pause);
  const bool too_often = policy_.attempts_max > 0 && file.charged >= policy_.attempts_max;
  if (too_often || out_of_patience(file, now)) return settle(f, settlement::failed, errc::gave_up);
  ++tallies_.retries;
  park(f, now + wait);
}

bool scheduler::out_of_patience(const file_state& file, instant now) const noexcept {
  return file.failed_at != nullptr &&
         file.failing.exhausted(patience_clock(now), file.failed_at->served, policy_.give_up_after);
}

/// Whether its time has run out while it waited; then it is settled.
bool scheduler::give_up(file_id f, instant now) {
  if (!out_of_patience(files_[f], now)) return false;
  release_probe(f, now);
  settle(f, settlement::failed, errc::gave_up);
  return true;
}

void scheduler::park(file_id f, instant until) {
  files_[f].at = stage::parked;
  parked_.push({until, f});
}

/// To the head of the queue it came from: it has waited for its turn already.
void scheduler::requeue(file_id f) {
  file_state& file = files_[f];
  file.at = file.has_ticket ? stage::ready : stage::waiting;
  (file.has_ticket ? ready_ : waiting_).push_front(f);
}

/// Behind the others: the next probe goes with another file, whose ticket may lead somewhere else.
void scheduler::queue_again(file_id f) {
  file_state& file = files_[f];
  file.at = file.has_ticket ? stage::ready : stage::waiting;
  (file.has_ticket ? ready_ : waiting_).push_back(f);
}

void scheduler::settle(file_id f, settlement how, errc cause) {
  if (is_probe(f)) probe_.reset(); // only when the run has ended: every other way out releases it before
  files_[f].at = stage::absent;
  --open_files_;
  decided_.push_back(action::settle{f, how, cause});
}

void scheduler::abandon_queued(file_id f, instant now) {
  release_probe(f, now);
  if (take_from_queue(f)) settle(f, settlement::abandoned, end_cause_);
}

bool scheduler::take_from_queue(file_id f) {
  switch (files_[f].at) {
    case stage::waiting: return waiting_.erase(f);
    case stage::ready: return ready_.erase(f);
    case stage::unfunded: return api_.unfunded.erase(f) || storage_.unfunded.erase(f);
    case stage::parked: {
      parked_queue rest;
      for (; !parked_.empty(); parked_.pop())
        if (parked_.top().file != f) rest.push(parked_.top());
      parked_ = std::move(rest);
      return true;
    }
    default: return false;
  }
}

void scheduler::end_run(errc cause) {
  if (ended_) return;
  ended_ = true;
  end_cause_ = cause;
  decided_.push_back(action::end_run{cause});
  while (!waiting_.empty()) settle(waiting_.pop_front(), settlement::abandoned, cause);
  while (!ready_.empty()) settle(ready_.pop_front(), settlement::abandoned, cause);
  for (host* where : {&api_, &storage_})
    while (!where->unfunded.empty()) settle(where->unfunded.pop_front(), settlement::abandoned, cause);
  for (; !parked_.empty(); parked_.pop()) settle(parked_.top().file, settlement::abandoned, cause);
  for (file_id f = 0; f < files_.size(); ++f)
    if (files_[f].at == stage::presigning || files_[f].at == stage::putting)
      decided_.push_back(action::abort_attempt{f});
}

// ---- what to do next --------------------------------------------------------------------------------------------

std::optional<scheduler_action> scheduler::next_action(instant now) {
  if (!decided_.empty()) return decided_.pop_front();
  if (ended_) return std::nullopt;
  unpark(now);
  fund(storage_, ready_, now);
  fund(api_, waiting_, now);
  if (auto put = next_put(now)) return put;
  if (auto presign = next_presign(now)) return presign;
  if (!decided_.empty()) return decided_.pop_front(); // some were given up on the way
  return std::nullopt;
}

/// The storage's probe will not take place with this file after all.
void scheduler::release_probe(file_id f, instant now) {
  if (!is_probe(f)) return;
  probe_.reset();
  storage_.gate.inconclusive(now, host_gate::role::probe);
}

void scheduler::unpark(instant now) {
  for (; !parked_.empty() && parked_.top().until <= now; parked_.pop()) {
    const file_id f = parked_.top().file;
    file_state& file = files_[f];
    if (!file.owes_token) {
      requeue(f);
      continue;
    }
    file.at = stage::unfunded;
    file.failed_at->unfunded.push_back(f);
  }
}

/// Lets retries go on for which there are tokens, in the order in which they came. While the host is away nobody pays:
/// who goes then is its probe, and one is enough.
void scheduler::fund(host& where, const ring<file_id>& queue, instant now) {
  while (!where.unfunded.empty()) {
    const file_id f = where.unfunded.front();
    if (give_up(f, now)) {
      where.unfunded.pop_front();
      continue;
    }
    const bool probes = !where.gate.open();
    if (probes ? !queue.empty() || !where.gate.may_start(now) : !where.budget.take(now)) return;
    where.unfunded.pop_front();
    files_[f].owes_token = false;
    requeue(f);
  }
}

/// The gate and the rate; a probe asks the gate alone.
bool scheduler::may_start(host& where, instant now) {
  if (!where.gate.open()) return where.gate.may_start(now);
  where.paced = !where.limit.may_start(now);
  return !where.paced;
}

void scheduler::begin_attempt(file_state& file, stage as, host_gate::role role, host& where, instant now) {
  if (file.failed_at != nullptr) file.failing.resumed(patience_clock(now), file.failed_at->served);
  file.failed_at = nullptr;
  file.at = as;
  file.role = role;
  file.begun = now;
  where.limit.started(now);
}

/// The probe goes first: others may have come to the head of the queue while it got its ticket.
void scheduler::lead_with_probe() {
  if (!probe_ || files_[*probe_].at != stage::ready || is_probe(ready_.front())) return;
  ready_.erase(*probe_);
  ready_.push_front(*probe_);
}

std::optional<scheduler_action> scheduler::next_put(instant now) {
  storage_.paced = false;
  lead_with_probe();
  while (!ready_.empty()) {
    const file_id f = ready_.front();
    if (puts_in_flight_ >= storage_.limit.size()) {
      storage_.limit.held(now, api_.limit.took());
      break;
    }
    if (!is_probe(f) && !may_start(storage_, now)) break;
    ready_.pop_front();
    file_state& file = files_[f];
    if (give_up(f, now)) continue;
    if (!file.ticket.usable(now)) {
      // While the storage is away one file at a time gets a new ticket to probe with; the others' can lapse.
      if (!storage_.gate.open() && !is_probe(f)) {
        storage_.gate.started();
        probe_ = f;
      }
      refresh(f, now);
      continue;
    }
    begin_attempt(file, stage::putting, is_probe(f) ? host_gate::role::probe : storage_.gate.started(), storage_, now);
    if (is_probe(f)) probe_.reset();
    file.lapses = 0;
    ++file.puts;
    ++puts_in_flight_;
    ++tallies_.puts;
    return action::start_put{f};
  }
  return std::nullopt;
}

std::optional<scheduler_action> scheduler::next_presign(instant now) {
  api_.paced = false;
  while (!waiting_.empty()) {
    if (presigns_in_flight_ >= api_.limit.size()) {
      api_.limit.held(now, {});
      break;
    }
    grouping_ = tickets_wanted();
    if (!grouping_) {
      if (tickets_coming() >= tickets_for_window()) storage_.limit.held(now, api_.limit.took());
      break;
    }
    if (!may_start(api_, now)) break;
    const bool probe_first = probe_waits() && waiting_.erase(*probe_);
    const file_id f = probe_first ? *probe_ : waiting_.pop_front();
    if (give_up(f, now)) continue;
    file_state& file = files_[f];
    begin_attempt(file, stage::presigning, api_.gate.started(), api_, now);
    ++file.presigns;
    ++presigns_in_flight_;
    ++tallies_.presigns;
    return action::start_presign{f};
  }
  return std::nullopt;
}

/// Tickets ready or being made, at most: for the slots that are free, for those that will be by the time a ticket asked
/// for now is there, and a few ahead.
int scheduler::tickets_for_window() const noexcept {
  const int slots = storage_.limit.size();
  int ahead = limits_.tickets_ahead_max;
  if (limits_.puts == sizing::adaptive) ahead = std::min(ahead, slots / 4 + 2);
  ahead += presign_group_ - 1; // as many as before are left when the next group is begun
  const auto put = storage_.limit.took(), presign = api_.limit.took();
  if (put <= 0ms) return slots - puts_in_flight_ + ahead;
  const double used_in_time = slots * share(ticket_life_, put) / ticket_life_part;
  const double freed_meanwhile = puts_in_flight_ * std::min(1.0, share(presign, put));
  return slots - puts_in_flight_ + static_cast<int>(std::min(ahead + freed_meanwhile, used_in_time));
}

/// Likewise, for as many as the storage's rate lets begin soon.
int scheduler::tickets_for_rate() const noexcept {
  const auto per_second = storage_.limit.per_second();
  if (!per_second) return std::numeric_limits<int>::max();
  const auto soon = std::min<instant::duration>(ticket_wait_max, ticket_life_ / ticket_life_part);
  return 1 + static_cast<int>(*per_second * std::chrono::duration<double>(soon).count());
}

bool scheduler::tickets_wanted() const noexcept {
  if (probe_waits()) return true; // the window is full of tickets that lapse meanwhile
  const int most = tickets_max(), missing = most - tickets_coming();
  return missing >= (grouping_ ? 1 : std::clamp(most / 2, 1, presign_group_));
}

std::optional<instant> scheduler::next_wakeup() const {
  std::optional<instant> soonest;
  const auto consider = [&](std::optional<instant> t) {
    if (t && (!soonest || *t < *soonest)) soonest = t;
  };
  if (ended_) return soonest;
  if (!parked_.empty()) consider(parked_.top().until);
  const bool presigns = !waiting_.empty() && presigns_in_flight_ < api_.limit.size() && tickets_wanted();
  const bool puts = !ready_.empty() && puts_in_flight_ < storage_.limit.size();
  const auto consider_host = [&](const host& where, bool wanted, const ring<file_id>& queue) {
    const bool unfunded = !where.unfunded.empty();
    if (wanted || (unfunded && queue.empty())) consider(where.gate.next_probe());
    if (wanted && where.paced) consider(where.limit.resumes());
    if (unfunded && where.gate.open()) consider(where.budget.next_token());
  };
  consider_host(api_, presigns, waiting_);
  consider_host(storage_, puts, ready_);
  return soonest;
}

core::held_by scheduler::held_by() const noexcept {
  using enum core::held_by;
  if (!ready_.empty()) {
    if (!storage_.gate.open()) return storage_away;
    if (puts_in_flight_ >= storage_.limit.size()) return put_window;
    if (storage_.paced) return put_rate;
  }
  if (!waiting_.empty()) {
    if (!api_.gate.open()) return api_away;
    if (presigns_in_flight_ >= api_.limit.size()) return presign_window;
    if (!tickets_wanted()) return tickets_for_rate() < tickets_for_window() ? put_rate : put_window;
    if (api_.paced) return presign_rate;
  }
  if (!api_.unfunded.empty() || !storage_.unfunded.empty()) return retry_budget;
  return parked_.empty() ? nothing : pauses;
}

std::ostream& operator<<(std::ostream& out, const scheduler_action& a) {
  struct printer {
    std::ostream& out;
    void operator()(const action::start_presign& x) const { out << "start_presign(" << x.file << ")"; }
    void operator()(const action::start_put& x) const { out << "start_put(" << x.file << ")"; }
    void operator()(const action::abort_attempt& x) const { out << "abort_attempt(" << x.file << ")"; }
    void operator()(const action::settle& x) const {
      static constexpr std::string_view names[] = {"done", "failed", "abandoned"};
      out << "settle(" << x.file << ", " << names[static_cast<int>(x.how)];
      if (x.how != settlement::done) out << ", " << name_of(x.cause);
      out << ")";
    }
    void operator()(const action::end_run& x) const { out << "end_run(" << name_of(x.cause) << ")"; }
  };
  std::visit(printer{out}, a);
  return out;
}

} // namespace hoist::core
