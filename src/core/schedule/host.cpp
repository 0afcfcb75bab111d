#include "core/schedule/host.hpp"

#include <algorithm>
#include <cassert>

namespace hoist::core {

host::host(const host_policy& policy, linked_queue::links& links)
    : gate(limits::first_probe_interval, policy.probe_interval)
    , limit(policy.window, policy.rate, policy.together, policy.shards)
    , budget(policy.budget)
    , connects(policy.connects)
    , ready(links)
    , unfunded(links)
    , policy_(policy)
    , before_absence_(limit.known_rate()) {}

void host::begun(instant now) noexcept {
  if (in_flight_++ == 0) asked_since_ = now;
  limit.started(now);
}

void host::served_one(instant begun, instant now, std::uint64_t bytes) noexcept {
  assert(in_flight_ > 0);
  --in_flight_;
  answered(now);
  limit.ended(begun, now, limiter::ending::served, in_flight_, bytes);
  budget.earn();
  ++served_;
  served_anywhere_ = true;
  last_served_ = now;
  unserved_since_.reset();
  sick.stop(now);
}

void host::failed_one(const outcome& why, instant begun, role as, instant now, int gates) noexcept {
  using enum outcome_kind;
  assert(in_flight_ > 0);
  --in_flight_;
  auto how = limiter::ending::silent;
  const bool alive = is_alive(begun, now), was_open = gate.open();
  if (is_answer(why.kind) || why.kind == garbled) {
    how = why.kind == throttled ? limiter::ending::throttled : limiter::ending::answered;
    answered(now);
  } else if (why.kind == unavailable || why.kind == gateway) {
    how = why.kind == unavailable && served_ > 0 ? limiter::ending::throttled : limiter::ending::answered;
    if (absent_answers_ == 0)
      before_absence_ = limit.known_rate(); // what is learnt from here on may be the outage's doing
    absent_answer(why, as, now, gates);
  } else if (why.kind == unreachable || why.kind == handshake_lost) {
    connects.refused(now, proven_connections_);
    if (why.kind == handshake_lost) ++handshakes_lost_;
    const bool absent = why.kind == unreachable || handshakes_lost_ >= limits::handshakes_lost_max;
    if (absent && !alive)
      close_gate(now, as, gates, {});
    else
      gate.inconclusive(now, as);
  } else if (why.kind == tls_refused) { // somebody is there; the next one need not wait to be told the same
    if (!gate.open()) away.stop(now);
    gate.answered(now);
  } else {
    reached_ = reached_ || why.kind == lost || why.kind == stale; // there was a connection
    if (why.kind == lost && why.fresh_connection)
      connects.refused(now, proven_connections_);                       // taken, and dropped: as good as refused
    if (why.kind == lost && as == role::probe) note_closed(false, now); // somebody is there, and breaks it
    gate.inconclusive(now, as);
  }
  if (how == limiter::ending::throttled && !was_open) how = limiter::ending::answered; // it is away, not busy
  note_unserved(begun, now);
  limit.ended(begun, now, how, in_flight_, 0);
  if (why.kind == exhausted) limit.crowded(in_flight_, now);
}

/// Whether it answers on other connections, so that one that could not be made is about connections, not about the
/// host.
bool host::is_alive(instant begun, instant now) const noexcept {
  if (!policy_.counts_connections || !last_answer_) return false;
  return *last_answer_ > begun || (connections_ > 0 && now - *last_answer_ < limits::alive_for);
}

/// It answers. After an outage, a crowd that had waited for that would be the next one.
void host::answered(instant now) noexcept {
  if (const auto down = gate.down_since(); down && now - *down >= limits::outage_min) {
    if (absent_answers_ > 0) limit.restore(before_absence_); // it was no throttling
    limit.restart();
    connects.restart();
  }
  if (!gate.open()) {
    if (away.running()) unserved_since_.reset(); // it begins anew
    away.stop(now);
    sick.stop(now);
  }
  gate.answered(now);
  handshakes_lost_ = absent_answers_ = 0;
  last_answer_ = now;
  reached_ = true;
  asked_since_ = in_flight_ > 0 ? std::optional(now) : std::nullopt;
  while (proven_connections_ < connections_) connects.opened(++proven_connections_); // it takes them, and answers
}

/// A balancer with nobody behind it answers too. One such answer is an accident; when nothing else comes, the host is
/// away.
void host::absent_answer(const outcome& why, role as, instant now, int gates) noexcept {
  reached_ = true;
  gate.somebody_is_there();
  if (absent_answers_++ == 0) absent_since_ = now;
  const auto lasted = now - std::max(absent_since_, last_answer_.value_or(absent_since_));
  const bool absent = absent_answers_ >= limits::absent_answers_many ||
                      (absent_answers_ >= limits::absent_answers && lasted >= limits::absent_answers_within) ||
                      (absent_answers_ >= limits::absent_answers_few && lasted >= limits::absent_answers_few_within);
  if (!gate.open() || absent)
    close_gate(now, as, gates, why.retry_after);
  else
    gate.inconclusive(now, as);
}

void host::close_gate(instant now, role as, int gates, std::optional<millis> retry_after) noexcept {
  gate.share_probes(gates);
  gate.unreachable(now, as, std::min(retry_after.value_or(millis{0}), limits::probe_retry_after_max));
  note_closed(absent_answers_ > 0 ? served_anywhere_ : reached_, now);
}

void host::note_closed(bool excusable, instant now) noexcept {
  if (gate.open()) return;
  away.set(excusable, now);
  sick.set(!excusable, now);
}

/// It answers, and serves nobody: that is held against all who wait for it, after a while.
void host::note_unserved(instant begun, instant now) noexcept {
  last_failed_ = now;
  if (!unserved_since_) {
    unserved_since_ = now;
    failing_since_ = std::max(begun, last_served_.value_or(begun));
  }
  if (gate.open() && now - *unserved_since_ >= limits::unserved_after) sick.start(now);
}

void host::connection_opened(instant now) noexcept {
  ++connections_;
  reached_ = true;
  if (!gate.open()) note_closed(true, now);
}

void host::known_elsewhere(bool served, instant now) noexcept {
  const bool news = !reached_ || (served && !served_anywhere_);
  reached_ = true;
  served_anywhere_ = served_anywhere_ || served;
  if (news && !gate.open()) note_closed(absent_answers_ == 0 || served_anywhere_, now);
}

void host::forget_absence(instant now) noexcept {
  gate = host_gate(limits::first_probe_interval, policy_.probe_interval);
  away.stop(now);
  sick.stop(now);
  handshakes_lost_ = absent_answers_ = 0;
  connects.restart();
}

bool host::may_start(instant now) noexcept {
  held_by_rate_ = held_by_connections_ = false;
  if (!gate.open()) return gate.may_start(now);
  if (policy_.counts_connections && in_flight_ >= connections_ * depth &&
      !connects.may_open(now, connecting(), connections_)) {
    held_by_connections_ = true;
    return false;
  }
  held_by_rate_ = !limit.may_start(now);
  return !held_by_rate_;
}

std::optional<instant> host::resumes(instant now) const noexcept {
  if (!gate.open()) return gate.next_probe();
  if (held_by_rate_) return limit.resumes();
  if (held_by_connections_ && connects.resumes(connections_) > now) return connects.resumes(connections_);
  return std::nullopt;
}

bool host::in_use(instant now) const noexcept {
  return in_flight_ > 0 || !ready.empty() || !unfunded.empty() ||
         (last_answer_ && now - *last_answer_ < limits::in_use_for);
}

bool host::serves_nobody(instant now) const noexcept {
  const auto patient = std::max<instant::duration>(limits::unserved_for_long, 2 * limit.took());
  const bool of_late = in_flight_ > 0 || now - last_failed_ < limits::in_use_for;
  return unserved_since_ && of_late && now - failing_since_ >= patient;
}

std::optional<instant> host::silent_since(instant now) const noexcept {
  if (gate.down_since()) return gate.down_since();
  const auto patient = std::max<instant::duration>(limits::unresponsive_after, 2 * limit.took());
  if (silence(now) >= patient) return asked_since_;
  return std::nullopt;
}

} // namespace hoist::core
