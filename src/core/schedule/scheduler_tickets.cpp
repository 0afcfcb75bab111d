// How many tickets are there, how many should there be, and are there any worth making?

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"
#include "core/schedule/ticket_supply.hpp"

#include <algorithm>

namespace hoist::core {

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
    return !probe_ready || (another_ticket_may_help() && now >= explores_again());
  }
  if (tickets_ready() >= limits::tickets_ready_max + tickets_held_up_) return false;
  const int most = tickets_wanted(supply()), missing = most - tickets_coming();
  return missing >= (grouping_ ? 1 : std::clamp(most / 2, 1, presign_group_));
}

/// A file that has had no ticket may have one that leads elsewhere. So may any other, where no storage has ever served,
/// or one was not used of late, or others are served; and a storage that is away, and for which nobody waits, is asked
/// by nobody whether it is back.
bool scheduler::another_ticket_may_help() const noexcept {
  return stored_ == 0 || others_are_served() || files_[waiting_.front(true)].origin == no_origin ||
         std::ranges::any_of(storages_, [](const auto& h) {
           return h && (h->gate.open() || (h->ready.empty() && h->unfunded.empty() && h->in_flight() == 0));
         });
}

/// When one may be made to find out. In an outage like any other that is seldom, as nothing says that there is another
/// origin. Precondition: a file waits for a ticket.
instant scheduler::explores_again() const noexcept {
  const bool is_new = files_[waiting_.front(true)].origin == no_origin;
  if (!is_new || (stored_ > 0 && !others_are_served())) return explored_ + limits::explore_again;
  return explored_ +
         (stored_ == 0 && stored_by_others_ > 0 ? limits::explore_where_others_are_served : limits::explore_new);
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

} // namespace hoist::core
