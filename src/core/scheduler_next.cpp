// Who goes next, and when to ask again.

#include "core/limits.hpp"
#include "core/scheduler.hpp"
#include "core/ticket_supply.hpp"

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

// ---- those that wait in vain ------------------------------------------------------------------------------------

/// A shortage of our own that has lasted for so long is not waited out: what waits for it fails.
void scheduler::review_shortage(instant now) {
  if (!short_since_ || now - *short_since_ < give_up_after_ || puts_in_flight_ > 0 || api_.in_flight() > 0) return;
  for (file_id f = 0; f < files_.size(); ++f) {
    if (files_[f].at == stage::absent) continue;
    leave_queue(f);
    settle(f, action::settlement::failed, errc::gave_up);
  }
  short_since_.reset();
  shortage_until_ = {};
  shortage_pause_ = {};
}

/// Looks, a few times a second, at those who wait at a host: some have waited long enough, and where another origin
/// serves better a new ticket may lead there.
void scheduler::review(instant now) {
  if (now - reviewed_ < limits::review_interval_min) return;
  reviewed_ = now;
  review_shortage(now);
  for_each_storage([&](origin_id, host& h) {
    if (is_reviewed(h, now) && now >= next_review(h)) review(h, now);
  });
  review_api(now);
}

/// Whether there is anything to be looked at in the queues of `h`.
bool scheduler::is_reviewed(const host& h, instant now) const noexcept {
  if (!h.unfunded.empty()) return true;
  return !h.ready.empty() && (storages_.size() > 1 || h.silent_since(now) || h.sick.running());
}

instant scheduler::next_review(const host& h) const noexcept {
  const millis interval = storages_.size() > 1 ? limits::renewal_first : limits::review_interval;
  return h.reviewed ? *h.reviewed + interval : now_;
}

/// PUTs a second that `h` can take, as things go.
double scheduler::pace_of(const host& h) const noexcept {
  const double took = std::chrono::duration<double>(std::max<instant::duration>(h.slowness(now_), 1us)).count();
  const double by_window = std::min(h.limit.size(), limits_.puts_max) / took;
  return std::min(by_window, h.limit.per_second().value_or(by_window));
}

/// Whether `where` answers nobody, or serves nobody, while another origin does.
bool scheduler::is_shunned(const host& where, instant now) const noexcept {
  if (storages_.size() < 2) return false;
  if (!where.silent_since(now) && !where.serves_nobody(now)) return false;
  return std::ranges::any_of(
      storages_, [&](const auto& h) {
        return h && h.get() != &where && h->last_served() && !h->silent_since(now) && !h->serves_nobody(now);
      });
}

/// Asks for a ticket that may lead elsewhere.
void scheduler::renew(file_id f, instant now) {
  files_[f].left = files_[f].origin;
  files_[f].has_ticket = false;
  ++tallies_.refreshes;
  queue_again(f, now);
}

/// How many of those with a ticket of `where` had better stay there. The others ask for another one, which may lead
/// elsewhere: where it answers nobody, serves nobody, or keeps them waiting much longer than another origin would.
std::size_t scheduler::may_stay(const host& where, instant now) const noexcept {
  constexpr std::size_t all = SIZE_MAX;
  if (is_shunned(where, now)) return where.silent_since(now) ? 0 : 1;
  std::optional<double> shortest; // seconds until a file's turn at the best of the others
  for_each_storage([&](origin_id, const host& h) {
    if (&h == &where || !h.last_served() || h.silent_since(now)) return;
    if (now - *h.last_served() > limits::in_use_for) return;
    const double turn = (static_cast<double>(h.ready.size()) + (h.has_room() ? 0 : 1)) / pace_of(h);
    shortest = std::min(shortest.value_or(turn), turn);
  });
  if (!shortest) return all;
  const double patience = std::max(std::chrono::duration<double>(limits::turn_max).count(), limits::slow_times * *shortest);
  return static_cast<std::size_t>(std::clamp(patience * pace_of(where), 1.0, 1e6));
}

void scheduler::review(host& where, instant now) {
  where.reviewed = now;
  std::vector<file_id> candidates;
  where.unfunded.for_each([&](file_id f) { candidates.push_back(f); });
  where.ready.for_each([&](file_id f) { candidates.push_back(f); });
  std::size_t stay = may_stay(where, now);
  const bool all_stay = stay == SIZE_MAX;
  const bool shunned = is_shunned(where, now), crowded = tickets_ready() >= limits::tickets_ready_max;
  const auto waiting = static_cast<int>(std::min<std::size_t>(candidates.size(), limits::tickets_ready_max));
  const millis pause_max = std::clamp<millis>(waiting * limits::renewal_each, limits::renewal_few, limits::renewal_max);
  for (const file_id f : candidates) {
    file_state& file = files_[f];
    if (give_up(f, now) || all_stay) continue;
    if (file.at == stage::unfunded && !shunned) continue;
    if (file.at == stage::ready && stay > 0) {
      --stay;
      continue;
    }
    if (file.renew_at == instant{}) file.renew_at = file.since + limits::renewal_first;
    if (now < file.renew_at && (!crowded || file.led_back > 0)) continue;
    file.renewal = std::clamp<instant::duration>(2 * file.renewal, 2 * limits::renewal_first,
                                                 file.led_back >= limits::led_back_max ? limits::renewal_max : pause_max);
    file.renew_at = now + file.renewal;
    leave_queue(f);
    renew(f, now);
  }
}

/// Since when no storage that was asked has served anybody, and that is no outage.
std::optional<instant> scheduler::all_storages_sick_since() const noexcept {
  std::optional<instant> since;
  for (const auto& h : storages_) {
    if (!h || !h->was_asked()) continue;
    if (!h->sick.running()) return std::nullopt;
    since = std::max(since.value_or(*h->sick.since()), *h->sick.since());
  }
  return since;
}

/// Those that wait for a presign: at an API that serves nobody, or for storages that do not.
void scheduler::review_api(instant now) {
  const auto storages_sick = all_storages_sick_since();
  if (!api_.sick.running() && api_.unfunded.empty() && !storages_sick) return;
  if (api_.reviewed && now - *api_.reviewed < limits::review_interval) return;
  api_.reviewed = now;
  std::vector<file_id> candidates;
  if (api_.sick.running()) waiting_.for_each([&](file_id f) { candidates.push_back(f); });
  api_.unfunded.for_each([&](file_id f) { candidates.push_back(f); });
  for (const file_id f : candidates) give_up(f, now);
  if (!storages_sick || now - *storages_sick <= give_up_after_) return;
  candidates.clear();
  waiting_.for_each([&](file_id f) {
    if (now - files_[f].since > give_up_after_ && now > files_[f].owed_until) candidates.push_back(f);
  });
  for (const file_id f : candidates) {
    leave_queue(f);
    settle(f, action::settlement::failed, errc::gave_up);
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

/// Half of all slots is kept from slow origins while a quick one is in use: what they hold they hold for long. No origin
/// takes the second half while its answers are overdue, and one that serves nobody, while another does, gets one at a time.
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
    const file_id f = waiting_.front();
    if (give_up(f, now)) continue;
    if (all_storages_away()) explored_ = now;
    waiting_.end_turn();
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
  if (!waiting_.empty() && api_.in_flight() == 0) return start_presign(waiting_.front(), now);
  return std::nullopt;
}

// ---- tickets ----------------------------------------------------------------------------------------------------

bool scheduler::several_in_use() const noexcept {
  return storages_.size() > 1 &&
         std::ranges::count_if(storages_, [&](const auto& h) { return h && h->in_use(now_); }) > 1;
}

/// Of those in use; of all before there is any.
bool scheduler::all_storages_away() const noexcept {
  bool any_open = false, any_in_use = false, any_open_in_use = false;
  for_each_storage([&](origin_id, const host& h) {
    const bool in_use = h.in_use(now_);
    any_open = any_open || h.gate.open();
    any_in_use = any_in_use || in_use;
    any_open_in_use = any_open_in_use || (in_use && h.gate.open());
  });
  return any_in_use ? !any_open_in_use : !any_open;
}

int scheduler::ahead_of(const host& where) const noexcept {
  if (limits_.puts != sizing::adaptive) return limits_.tickets_ahead_max;
  return std::min(limits_.tickets_ahead_max, std::min(where.limit.size(), limits_.puts_max) / 4 + 2);
}

/// Of the tickets ready for a host those that it will use soon: with several in use, the others are no supply for
/// anybody.
int scheduler::soon_used(const host& where) const noexcept {
  const int ready = static_cast<int>(where.ready.size());
  if (const auto rate = where.limit.per_second())
    return std::min(ready,
                    1 + static_cast<int>(*rate * std::chrono::duration<double>(limits::ticket_wait_max).count()));
  if (!has_slot(where) && puts_in_flight_ < limits_.puts_max) return std::min(ready, ahead_of(where));
  const int free = std::min(where.limit.size() - where.in_flight(), limits_.puts_max - puts_in_flight_);
  return std::min(ready, std::max(0, free) + ahead_of(where));
}

/// Those ready at hosts that take them, and those being made.
int scheduler::tickets_coming() const noexcept {
  int n = api_.in_flight();
  const bool several = several_in_use();
  for_each_storage([&](origin_id, const host& h) {
    if (h.gate.open()) n += several ? soon_used(h) : static_cast<int>(h.ready.size());
  });
  return n;
}

supply_figures scheduler::supply() const noexcept {
  supply_figures f;
  bool all_paced = true, any_in_use = false;
  double per_second = 0;
  for_each_storage([&](origin_id, const host& h) { any_in_use = any_in_use || h.in_use(now_); });
  for_each_storage([&](origin_id, const host& h) {
    if (!h.gate.open() || (any_in_use && !h.in_use(now_))) return;
    f.slots += h.limit.size();
    f.ahead += ahead_of(h);
    f.put_took = std::max(f.put_took, h.limit.took());
    if (const auto r = h.limit.per_second())
      per_second += *r;
    else
      all_paced = false;
  });
  f.slots = std::min(f.slots, limits_.puts_max);
  f.in_flight = puts_in_flight_;
  f.ahead += presign_group_ - 1; // as many as before are left when the next group is begun
  f.presign_took = api_.limit.took();
  f.ticket_life = ticket_life_;
  if (all_paced) f.put_rate = per_second;
  return f;
}

/// With every storage away tickets are of no use but to find out whether one is back, or that there is another.
bool scheduler::tickets_are_wanted(instant now) const noexcept {
  if (all_storages_away()) {
    if (api_.in_flight() > 0) return false;
    const bool probe_ready = std::ranges::any_of(storages_, [&](const auto& h) {
      return h && !h->ready.empty() && files_[h->ready.front()].ticket.usable(now);
    });
    return !probe_ready || may_explore(now);
  }
  if (tickets_ready() >= limits::tickets_ready_max) return false;
  const int most = tickets_wanted(supply()), missing = most - tickets_coming();
  return missing >= (grouping_ ? 1 : std::clamp(most / 2, 1, presign_group_));
}

/// Where no storage has ever served, another ticket may lead to one that does; or to one that was not used of late; and
/// a storage that is away, and for which nobody waits, is asked by nobody whether it is back.
bool scheduler::another_ticket_may_help() const noexcept {
  return !storage_served_ || std::ranges::any_of(storages_, [](const auto& h) {
    return h && (h->gate.open() || (h->ready.empty() && h->unfunded.empty() && h->in_flight() == 0));
  });
}

bool scheduler::may_explore(instant now) const noexcept {
  return another_ticket_may_help() && now - explored_ >= limits::review_interval;
}

/// The windows, not the lack of work or a rate, hold requests back: said so that they try a larger size.
void scheduler::windows_held(instant now) noexcept {
  supply_figures f = supply();
  f.put_rate.reset();
  if (tickets_coming() < tickets_wanted(f)) return;
  const auto open = std::ranges::count_if(storages_, [](const auto& h) { return h && h->gate.open(); });
  for_each_storage([&](origin_id, host& h) {
    if (!h.gate.open()) return;
    const auto its_own = h.in_flight() + static_cast<int>(h.ready.size()) + api_.in_flight() / static_cast<int>(open);
    if (open == 1 || its_own >= h.limit.size()) h.limit.held(now, api_.limit.took(), h.in_flight());
  });
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
  if (!waiting_.empty() && all_storages_away() && another_ticket_may_help() &&
      explored_ + limits::review_interval > now_)
    consider(explored_ + limits::review_interval);
  for_each_storage([&](origin_id, const host& h) {
    consider_host(h, !h.ready.empty() && has_slot(h), !h.ready.empty());
    if (is_reviewed(h, now_)) consider_review(next_review(h));
  });
  // Due already: what could be done then was done when it was asked last. Never in a tight loop.
  if (soonest && *soonest <= now_) soonest = now_ + 1ms;
  return soonest;
}

} // namespace hoist::core
