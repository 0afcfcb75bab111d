// Those that wait in vain: which have waited long enough, and which had better ask for a ticket that leads elsewhere?

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <utility>

namespace hoist::core {

using namespace std::chrono_literals;

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
  shared_.stored += stored_ - std::exchange(stored_told_, stored_);
  if (const auto by_others = shared_.stored - stored_; std::exchange(stored_by_others_, by_others) != by_others)
    others_served_ = now;
  review_shortage(now);
  count_held_up(now);
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
  return std::ranges::any_of(storages_, [&](const auto& h) {
    return h && h.get() != &where && h->last_served() && !h->silent_since(now) && !h->serves_nobody(now);
  });
}

/// Asks for a ticket that may lead elsewhere.
void scheduler::renew(file_id f, instant now) {
  files_[f].left = files_[f].origin;
  files_[f].has_ticket = false;
  ++tallies_.refreshes;
  enter(f, stage::waiting, now);
  files_[f].renewing = true;
  waiting_.push_renewal(files_[f].operation, f);
}

/// How many of those with a ticket of `where` had better stay there. The others ask for another one, which may lead
/// elsewhere: where it answers nobody, serves nobody, or keeps them waiting much longer than another origin would.
/// Nothing: all may stay.
std::optional<std::size_t> scheduler::may_stay(const host& where, instant now) const noexcept {
  if (is_shunned(where, now)) return where.silent_since(now) ? 0 : 1;
  std::optional<double> shortest; // seconds until a file's turn at the best of the others
  for_each_storage([&](origin_id, const host& h) {
    if (&h == &where || !h.last_served() || h.silent_since(now)) return;
    if (now - *h.last_served() > limits::in_use_for) return;
    const double until_turn = (static_cast<double>(h.ready.size()) + (h.has_room() ? 0 : 1)) / pace_of(h);
    shortest = std::min(shortest.value_or(until_turn), until_turn);
  });
  if (!shortest) return std::nullopt;
  const double patience =
      std::max(std::chrono::duration<double>(limits::turn_max).count(), limits::slow_times * *shortest);
  return static_cast<std::size_t>(std::clamp(patience * pace_of(where), 1.0, 1e6));
}

void scheduler::review(host& where, instant now) {
  where.reviewed = now;
  std::vector<file_id> candidates;
  where.unfunded.for_each([&](file_id f) { candidates.push_back(f); });
  where.ready.for_each([&](file_id f) { candidates.push_back(f); });
  std::optional<std::size_t> stay = may_stay(where, now);
  const bool shunned = is_shunned(where, now),
             crowded = tickets_ready() >= limits::tickets_ready_max + tickets_held_up_;
  const millis for_all =
      std::min(candidates.size(), limits::files_inside_max) * put_policy_.shards * limits::renewal_each;
  const millis pause_max = std::clamp<millis>(for_all, limits::renewal_few, limits::renewal_max);
  const millis pause_in_vain = std::max(for_all, limits::renewal_max);
  const bool in_vain = where.led_back_in_a_row >= limits::led_back_in_a_row_max;
  for (const file_id f : candidates) {
    file_state& file = files_[f];
    if (give_up(f, now) || !stay) continue;
    if (file.at == stage::unfunded && !shunned) continue;
    if (file.at == stage::ready && *stay > 0) {
      --*stay;
      continue;
    }
    if (file.renew_at == instant{}) file.renew_at = file.since + (in_vain ? pause_in_vain : limits::renewal_first);
    if (now < file.renew_at && (!crowded || file.led_back > 0)) continue;
    file.renewal = in_vain || file.led_back >= limits::led_back_max
                       ? pause_in_vain
                       : std::clamp<instant::duration>(2 * file.renewal, 2 * limits::renewal_first, pause_max);
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

void scheduler::count_held_up(instant now) noexcept {
  held_up_ = tickets_held_up_ = 0;
  const bool all_away = all_storages_away();
  for_each_storage([&](origin_id, const host& h) {
    std::optional<std::size_t> stay = may_stay(h, now);
    if (all_away && !h.gate.open()) stay = 0; // there may be an origin that is not known yet
    if (!stay) return;
    const std::size_t may_stay_here = *stay + static_cast<std::size_t>(h.in_flight());
    held_up_ += h.files > may_stay_here ? h.files - may_stay_here : 0;
    tickets_held_up_ += h.ready.size() > *stay ? h.ready.size() - *stay : 0;
  });
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

} // namespace hoist::core
