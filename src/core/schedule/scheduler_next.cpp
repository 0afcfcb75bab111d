// Who goes next, and when to ask again.

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <cassert>

namespace hoist::core {

using namespace std::chrono_literals;

std::optional<scheduler_action> scheduler::next_action(instant now) {
  now_ = std::max(now_, now);
  if (!decided_.empty()) return decided_.pop_front();
  if (open_files_ == 0) return std::nullopt;
  unpark(now);
  for_each_storage([&](origin_id, host& h) { fund(h, !h.ready.empty(), now); });
  fund(api_, !waiting_.empty(), now);
  review(now);
  if (forced_)
    if (auto forced = next_forced(now)) return forced;
  if (auto put = next_put(now)) return put;
  if (auto presign = next_presign(now)) return presign;
  if (!decided_.empty()) return decided_.pop_front(); // some were given up on the way
  return std::nullopt;
}

// ---- those that come back ---------------------------------------------------------------------------------------

void scheduler::unpark(instant now) {
  for (drop_stale_parkings(); !parked_.empty() && parked_.top().until <= now; drop_stale_parkings()) {
    const file_id f = parked_.top().file;
    parked_.pop();
    file_state& file = files_[f];
    --parked_count_;
    parked_at_api_ -= file.failed_at_api ? 1 : 0;
    if (file.has_ticket && is_shunned(storage(file.origin), now)) { // its pause is what it had to wait for
      renew(f, now);
      continue;
    }
    if (!file.owes_token) {
      requeue(f, now);
      continue;
    }
    enter(f, stage::unfunded, now);
    failed_at(file).unfunded.push_back(file.operation, f);
  }
}

/// Lets retries go on for which there are tokens, in the order in which they came. While the host is away nobody pays:
/// who goes then is its probe, and one is enough.
void scheduler::fund(host& where, bool others_wait, instant now) {
  while (!where.unfunded.empty()) {
    const file_id f = where.unfunded.front();
    if (give_up(f, now)) continue;
    const bool probes = !where.gate.open();
    if (probes ? others_wait || !where.gate.may_start(now) : !where.budget.take(now)) return;
    where.unfunded.end_turn();
    leave_queue(f);
    files_[f].owes_token = false;
    requeue(f, now);
    others_wait = true;
  }
}

// ---- attempts ---------------------------------------------------------------------------------------------------

void scheduler::begin_attempt(file_id f, stage as, host& where, instant now) {
  file_state& file = files_[f];
  assert(file.at == stage::waiting || file.at == stage::ready);
  leave_queue(f);
  file.at = as;
  judge_at(file, where, now);
  file.failing.resumed(now, readings_for(file, now));
  file.role = where.gate.started();
  file.begun = file.since = now;
  if (as == stage::putting || file.failed_at_api) { // a presign does not pay for a PUT, nor is it the try that is owed
    file.owed_until = {};
    file.owes_token = false;
  }
  where.begun(now);
}

std::optional<scheduler_action> scheduler::start_put(file_id f, host& where, instant now) {
  assert(files_[f].ticket.usable(now) || forced_);
  begin_attempt(f, stage::putting, where, now);
  file_state& file = files_[f];
  file.life.put_begins();
  ++file.puts;
  ++puts_in_flight_;
  ++tallies_.puts;
  return action::start_put{f};
}

std::optional<scheduler_action> scheduler::start_presign(file_id f, instant now) {
  begin_attempt(f, stage::presigning, api_, now);
  file_state& file = files_[f];
  ++file.presigns;
  ++tallies_.presigns;
  return action::start_presign{f};
}

/// Several times slower than the quickest of those in use, or silent for as long.
bool scheduler::is_slow(const host& where) const noexcept {
  const auto its_own = where.slowness(now_);
  if (its_own < limits::slow_from) return false;
  return std::ranges::any_of(storages_, [&](const auto& h) {
    return h && h.get() != &where && h->gate.open() && h->in_use(now_) && h->limit.took() > instant::duration{} &&
           its_own > limits::slow_times * h->slowness(now_);
  });
}

/// Half of all slots is kept from slow origins while a quick one is in use: what they hold they hold for long. No
/// origin takes the second half while its answers are overdue, and one that serves nobody, while another does, gets one
/// at a time.
bool scheduler::has_slot(const host& where) const noexcept {
  if (puts_in_flight_ >= limits_.puts_max || !where.has_room()) return false;
  if (storages_.size() < 2) return true;
  if (where.in_flight() > 0 && is_shunned(where, now_)) return false;
  const int half = (limits_.puts_max + 1) / 2;
  if (where.in_flight() >= half && where.silence(now_) > where.limit.took() / 2 && several_in_use()) return false;
  if (!is_slow(where)) return true;
  int slow = 0;
  for_each_storage([&](origin_id, const host& h) { slow += is_slow(h) ? h.in_flight() : 0; });
  return slow < half;
}

/// Origins take turns.
std::optional<scheduler_action> scheduler::next_put(instant now) {
  const std::size_t n = storages_.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = (next_storage_ + i) % n;
    if (!storages_[at] || storages_[at]->ready.empty()) continue;
    if (auto put = next_put_to(*storages_[at], now)) {
      next_storage_ = (at + 1) % n;
      return put;
    }
  }
  return std::nullopt;
}

std::optional<scheduler_action> scheduler::next_put_to(host& where, instant now) {
  while (!where.ready.empty()) {
    const file_id f = where.ready.front();
    if (!has_slot(where)) {
      if (!where.has_room()) where.limit.held(now, api_.limit.took(), where.in_flight());
      break;
    }
    if (in_shortage(now) || !where.may_start(now)) break;
    if (give_up(f, now)) continue;
    if (!files_[f].ticket.usable(now)) {
      leave_queue(f);
      refresh(f, now); // while it is away the supply sees to it that one file at a time gets a new one, to probe with
      continue;
    }
    where.ready.end_turn();
    return start_put(f, where, now);
  }
  return std::nullopt;
}

std::optional<scheduler_action> scheduler::next_presign(instant now) {
  while (!waiting_.empty()) {
    if (!api_.has_room()) {
      api_.limit.held(now, {}, api_.in_flight());
      break;
    }
    grouping_ = tickets_are_wanted(now);
    if (!grouping_) {
      windows_held(now);
      break;
    }
    if (in_shortage(now) || !api_.may_start(now)) break;
    const bool explores = all_storages_away();
    const file_id f = waiting_.front(explores);
    if (give_up(f, now)) continue;
    if (explores) explored_ = now;
    waiting_.end_turn(explores);
    return start_presign(f, now);
  }
  return std::nullopt;
}

/// See heal().
std::optional<scheduler_action> scheduler::next_forced(instant now) {
  forced_ = false;
  for (const auto& h : storages_) {
    if (!h || h->ready.empty() || puts_in_flight_ > 0) continue;
    const file_id f = h->ready.front();
    if (files_[f].ticket.usable(now)) return start_put(f, *h, now);
    leave_queue(f);
    refresh(f, now);
  }
  if (!waiting_.empty() && api_.in_flight() == 0) return start_presign(waiting_.front(true), now);
  return std::nullopt;
}

// ---- when to ask again ------------------------------------------------------------------------------------------

std::optional<instant> scheduler::next_wakeup() const {
  std::optional<instant> soonest;
  const auto consider = [&](std::optional<instant> t) {
    if (t && (!soonest || *t < *soonest)) soonest = t;
  };
  if (open_files_ == 0) return soonest;
  if (!parked_.empty()) consider(parked_.top().until);
  const bool anything_waits =
      !waiting_.empty() || std::ranges::any_of(storages_, [](const auto& h) { return h && !h->ready.empty(); });
  if (in_shortage(now_) && anything_waits) consider(shortage_until_);
  const auto consider_host = [&](const host& where, bool wanted, bool others_wait) {
    const bool unfunded = !where.unfunded.empty();
    if (wanted && !in_shortage(now_)) consider(where.resumes(now_));
    if (unfunded && !others_wait && !where.gate.open()) consider(where.gate.next_probe());
    if (unfunded && where.gate.open()) consider(where.budget.next_token());
  };
  const auto consider_review = [&](instant due) { consider(std::max(due, reviewed_ + limits::review_interval_min)); };
  const bool presigns = !waiting_.empty() && api_.has_room() && tickets_are_wanted(now_);
  consider_host(api_, presigns, !waiting_.empty());
  if (((api_.sick.running() || all_storages_sick_since()) && !waiting_.empty()) || !api_.unfunded.empty())
    consider_review(api_.reviewed.value_or(now_) + limits::review_interval);
  if (!waiting_.empty() && all_storages_away() && another_ticket_may_help() && explores_again() > now_)
    consider(explores_again());
  for_each_storage([&](origin_id, const host& h) {
    consider_host(h, !h.ready.empty() && has_slot(h), !h.ready.empty());
    if (is_reviewed(h, now_)) consider_review(next_review(h));
  });
  // Due already: what could be done then was done when it was asked last. Never in a tight loop.
  if (soonest && *soonest <= now_) soonest = now_ + 1ms;
  return soonest;
}

} // namespace hoist::core
