#include "core/scheduler.hpp"

#include <algorithm>
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

// Twenty distinct files refused in a row on young tickets is the account's trouble, not the files' (contract §1).
constexpr int refused_in_a_row_max = 20;
constexpr millis young_ticket = 60s;

constexpr millis probe_interval = 1s;
// Before a host has ever answered, finding out quickly matters more than sparing a host that may not exist.
constexpr millis first_probe_interval = 250ms;
constexpr millis unreachable_grace = 3s;
// Out of descriptors or ports: some of ours will be free again soon.
constexpr millis exhausted_pause = 100ms;

} // namespace

scheduler::scheduler(scheduler_limits limits, retry_policy policy, std::uint64_t seed)
    : limits_(limits), policy_(policy), rng_(seed), api_(first_probe_interval, probe_interval),
      storage_(first_probe_interval, probe_interval) {}

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
  api_.answered(now);
  presigned_once_ = true;
  file_state& file = files_[e.file];
  if (file.draining || ended_) {
    release_probe(e.file, now);
    return settle(e.file, settlement::abandoned, end_cause_);
  }
  file.ticket = e.ticket;
  file.has_ticket = true;
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
  decide(e.file, e.why, api_, now);
}

void scheduler::handle(const event::put_answered& e, instant now) {
  --puts_in_flight_;
  storage_.answered(now);
  ++refusal_streak_;
  refused_in_a_row_ = 0;
  settle(e.file, settlement::done);
}

void scheduler::handle(const event::put_failed& e, instant now) {
  --puts_in_flight_;
  decide(e.file, e.why, storage_, now);
}

void scheduler::handle(const event::file_cancelled& e, instant now) {
  file_state& file = files_[e.file];
  switch (file.at) {
    case stage::absent: return;
    case stage::waiting:
    case stage::ready:
    case stage::parked: return abandon_queued(e.file, now);
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

void scheduler::decide(file_id f, outcome why, host_gate& gate, instant now) {
  using enum outcome_kind;
  file_state& file = files_[f];

  const bool putting = file.at == stage::putting;
  file.at = stage::absent; // between two stages, until one of the branches below gives it a new one

  const bool tells_of_host = why.kind < unreachable;
  if (tells_of_host)
    gate.answered(now);
  else if (why.kind == unreachable)
    gate.unreachable(now, file.role);
  else
    gate.inconclusive(now, file.role);

  if (why.kind == key_refused) end_run(errc::key_refused);
  if (why.kind == tls_refused) end_run(errc::tls_refused);
  if (why.kind == private_storage) end_run(errc::private_storage);
  if (why.kind == unreachable && !presigned_once_ && now - *api_.down_since() >= unreachable_grace)
    end_run(errc::api_unreachable);

  if (file.draining || ended_) return settle(f, settlement::abandoned, end_cause_);

  switch (why.kind) {
    case throttled: return retry_later(f, policy_.throttled, why, now);
    case transient:
    case lost: return retry_later(f, policy_.transient, why, now);
    case unreachable: return requeue(f);
    case exhausted: return park(f, now + exhausted_pause);
    case stale:
      if (file.free_retry_used) return retry_later(f, policy_.transient, why, now);
      file.free_retry_used = true;
      return requeue(f);
    case refused:
      if (!putting) return settle(f, settlement::failed, errc::presign_rejected);
      return on_refused(f, now);
    case digest_mismatch:
      if (++file.mismatches > mismatches_max) return settle(f, settlement::failed, errc::digest_mismatch);
      return retry_later(f, policy_.transient, why, now);
    case source_changed:
      if (++file.changes > changes_max) return settle(f, settlement::failed, errc::source_changed);
      return retry_later(f, policy_.transient, why, now);
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
  if (now - file.ticket.issued < young_ticket && file.refusal_streak != refusal_streak_) {
    file.refusal_streak = refusal_streak_;
    if (++refused_in_a_row_ >= refused_in_a_row_max) {
      end_run(errc::storage_refused);
      return settle(f, settlement::failed, errc::storage_refused);
    }
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

void scheduler::retry_later(file_id f, backoff_range range, outcome why, instant now) {
  file_state& file = files_[f];
  if (!file.failing_since) {
    file.failing_since = now;
    file.excused = -downtime(now);
  }
  const int n = file.charged++;
  const auto wait = backoff(range, n, why.retry_after, rng_);
  if (why.retry_after) file.excused += wait;
  const auto failing_for = now + wait - *file.failing_since - file.excused - downtime(now);
  const bool too_often = policy_.attempts_max > 0 && file.charged >= policy_.attempts_max;
  if (too_often || failing_for > policy_.give_up_after) return settle(f, settlement::failed, errc::gave_up);
  ++tallies_.retries;
  park(f, now + wait);
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
  if (auto put = next_put(now)) return put;
  if (!decided_.empty()) return decided_.pop_front(); // next_put settles a file whose tickets always lapse
  return next_presign(now);
}

/// The storage's probe will not take place with this file after all.
void scheduler::release_probe(file_id f, instant now) {
  if (!is_probe(f)) return;
  probe_.reset();
  storage_.inconclusive(now, host_gate::role::probe);
}

bool scheduler::put_possible() const noexcept { return !ready_.empty() && puts_in_flight_ < limits_.puts_max; }

bool scheduler::presign_possible() const noexcept {
  if (waiting_.empty() || presigns_in_flight_ >= limits_.presigns_max) return false;
  if (probe_ && files_[*probe_].at == stage::waiting) return true; // the window is full of tickets that lapse meanwhile
  const auto slots_free = limits_.puts_max - puts_in_flight_;
  const auto coming = presigns_in_flight_ + static_cast<int>(ready_.size());
  return coming < slots_free + limits_.tickets_ahead_max;
}

void scheduler::unpark(instant now) {
  for (; !parked_.empty() && parked_.top().until <= now; parked_.pop()) requeue(parked_.top().file);
}

std::optional<scheduler_action> scheduler::next_put(instant now) {
  while (put_possible() && (storage_.may_start(now) || is_probe(ready_.front()))) {
    const file_id f = ready_.pop_front();
    file_state& file = files_[f];
    if (!file.ticket.usable(now)) {
      // While the storage is away one file at a time gets a new ticket to probe with; the others' can lapse.
      if (!storage_.open() && !is_probe(f)) {
        storage_.started();
        probe_ = f;
      }
      refresh(f, now);
      continue;
    }
    file.at = stage::putting;
    file.lapses = 0;
    file.role = is_probe(f) ? host_gate::role::probe : storage_.started();
    if (is_probe(f)) probe_.reset();
    ++file.puts;
    ++puts_in_flight_;
    ++tallies_.puts;
    return action::start_put{f};
  }
  return std::nullopt;
}

std::optional<scheduler_action> scheduler::next_presign(instant now) {
  if (!presign_possible() || !api_.may_start(now)) return std::nullopt;
  const bool probe_first = probe_ && files_[*probe_].at == stage::waiting && waiting_.erase(*probe_);
  const file_id f = probe_first ? *probe_ : waiting_.pop_front();
  file_state& file = files_[f];
  file.at = stage::presigning;
  file.role = api_.started();
  ++file.presigns;
  ++presigns_in_flight_;
  ++tallies_.presigns;
  return action::start_presign{f};
}

std::optional<instant> scheduler::next_wakeup() const {
  std::optional<instant> soonest;
  const auto consider = [&](std::optional<instant> t) {
    if (t && (!soonest || *t < *soonest)) soonest = t;
  };
  if (ended_) return soonest;
  if (!parked_.empty()) consider(parked_.top().until);
  if (presign_possible()) consider(api_.next_probe());
  if (put_possible()) consider(storage_.next_probe());
  return soonest;
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
