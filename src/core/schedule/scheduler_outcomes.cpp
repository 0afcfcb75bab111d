// What follows from how an attempt ended: another try and when, a new ticket, the file's end or the run's.

#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;
using action::settlement;

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

} // namespace hoist::core
