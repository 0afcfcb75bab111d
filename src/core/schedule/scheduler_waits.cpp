// What is waited for, in words and in figures; and that it is never nothing.

#include "core/base/limits.hpp"
#include "core/schedule/scheduler.hpp"

#include <algorithm>
#include <ostream>

namespace hoist::core {

using action::settlement;

bool scheduler::stalled(instant now) const {
  if (done() || !decided_.empty() || puts_in_flight_ > 0 || api_.in_flight() > 0) return false;
  const auto next = next_wakeup();
  return !next || *next > later(now, limits::wakeup_max);
}

int scheduler::puts_window() const noexcept {
  int n = 0;
  for_each_storage([&](origin_id, const host& h) { n += h.limit.size(); });
  return std::min(n, limits_.puts_max);
}

std::size_t scheduler::tickets_ready() const noexcept {
  std::size_t n = 0;
  for_each_storage([&](origin_id, const host& h) { n += h.ready.size(); });
  return n;
}

host_figures scheduler::storage_figures() const noexcept {
  host_figures all;
  for_each_storage([&](origin_id, const host& h) { all.merge(h.limit.figures()); });
  all.window = puts_window();
  return all;
}

std::optional<wait> scheduler::wait_of(file_id f, instant now) const {
  const file_state& file = files_[f];
  wait w;
  w.since = file.since;
  switch (file.at) {
  case stage::absent:
  case stage::presigning:
  case stage::putting: return std::nullopt;
  case stage::parked: w.what = short_since_ && in_shortage(now) ? bottleneck::shortage : bottleneck::pauses; return w;
  case stage::unfunded:
    w.what = bottleneck::retry_budget;
    if (!file.failed_at_api) w.origin = file.origin;
    return w;
  case stage::waiting: break;
  case stage::ready: {
    const host& h = *storages_[file.origin];
    w.origin = file.origin;
    w.next = h.resumes(now);
    if (in_shortage(now)) return wait{bottleneck::shortage, {}, *short_since_, shortage_until_};
    if (!h.gate.open())
      w.what = bottleneck::storage_away;
    else if (!has_slot(h))
      w.what = bottleneck::put_window;
    else if (h.held_by_connections())
      w.what = bottleneck::put_connections;
    else
      w.what = h.held_by_rate() ? bottleneck::put_rate : bottleneck::put_window;
    if (const auto down = h.gate.down_since()) w.since = *down;
    return w;
  }
  }
  if (in_shortage(now)) return wait{bottleneck::shortage, {}, *short_since_, shortage_until_};
  w.next = api_.resumes(now);
  if (const auto down = api_.gate.down_since()) {
    w.what = bottleneck::api_away;
    w.since = *down;
  } else if (!api_.has_room()) {
    w.what = bottleneck::presign_window;
  } else if (api_.held_by_connections()) {
    w.what = bottleneck::presign_connections;
  } else if (api_.held_by_rate()) {
    w.what = bottleneck::presign_rate;
  } else if (!tickets_are_wanted(now)) {
    w.next.reset();
    if (all_storages_away())
      w.what = bottleneck::storage_away;
    else
      w.what = storage_figures().per_second > 0 ? bottleneck::put_rate : bottleneck::put_window;
  } else {
    w.what = bottleneck::presign_window;
  }
  return w;
}

std::optional<wait> scheduler::foremost_wait(instant now) const {
  if (open_files_ == 0) return std::nullopt;
  if (short_since_)
    return wait{
        bottleneck::shortage, {}, *short_since_, in_shortage(now) ? std::optional(shortage_until_) : std::nullopt};
  if (const auto down = api_.gate.down_since()) return wait{bottleneck::api_away, {}, *down, api_.gate.next_probe()};
  std::optional<wait> longest;
  for_each_storage([&](origin_id o, const host& h) {
    const auto down = h.gate.down_since();
    if (!down || (h.ready.empty() && h.unfunded.empty() && h.in_flight() == 0)) return;
    if (!longest || *down < longest->since) longest = wait{bottleneck::storage_away, o, *down, h.gate.next_probe()};
  });
  if (longest) return longest;
  if (const auto silent = api_.silent_since(now); silent && api_.gate.open())
    return wait{bottleneck::api_silent, {}, *silent, {}};
  for_each_storage([&](origin_id o, const host& h) {
    const auto silent = h.gate.open() ? h.silent_since(now) : std::nullopt;
    if (silent && (!longest || *silent < longest->since)) longest = wait{bottleneck::storage_silent, o, *silent, {}};
  });
  if (longest || puts_in_flight_ > 0 || api_.in_flight() > 0) return longest;
  const auto what = bottleneck();
  if (what == core::bottleneck::nothing) return std::nullopt;
  return wait{what, {}, now_, next_wakeup()};
}

core::bottleneck scheduler::bottleneck() const noexcept {
  using enum core::bottleneck;
  if (in_shortage(now_)) return shortage;
  std::optional<core::bottleneck> at_storage;
  for_each_storage([&](origin_id, const host& h) {
    if (h.ready.empty()) return;
    core::bottleneck what = nothing;
    if (!h.gate.open())
      what = storage_away;
    else if (!has_slot(h))
      what = put_window;
    else if (h.held_by_connections())
      what = put_connections;
    else if (h.held_by_rate())
      what = put_rate;
    if (what != nothing && (!at_storage || *at_storage == storage_away))
      at_storage = what; // one that is away holds only its own
  });
  if (at_storage && (*at_storage != storage_away || all_storages_away())) return *at_storage;
  if (!waiting_.empty()) {
    if (!api_.gate.open()) return api_away;
    if (!api_.has_room()) return presign_window;
    if (!tickets_are_wanted(now_)) {
      if (all_storages_away()) return storage_away;
      return storage_figures().per_second > 0 ? put_rate : put_window;
    }
    if (api_.held_by_connections()) return presign_connections;
    if (api_.held_by_rate()) return presign_rate;
  }
  if (at_storage) return *at_storage;
  bool unfunded = !api_.unfunded.empty();
  for_each_storage([&](origin_id, const host& h) { unfunded = unfunded || !h.unfunded.empty(); });
  if (unfunded) return retry_budget;
  return parked_count_ == 0 ? nothing : pauses;
}

bool scheduler::held_at_api() const noexcept {
  std::size_t unfunded = 0;
  for_each_storage([&](origin_id, const host& h) { unfunded += h.unfunded.size(); });
  return parked_at_api_ + api_.unfunded.size() > parked_count_ - parked_at_api_ + unfunded;
}

std::optional<instant> scheduler::down_since(std::optional<origin_id> storage) const noexcept {
  if (!storage) return api_.gate.down_since();
  return *storage < storages_.size() && storages_[*storage] ? storages_[*storage]->gate.down_since() : std::nullopt;
}

std::string_view name_of(bottleneck what) noexcept {
  switch (what) {
  case bottleneck::nothing: return "nothing";
  case bottleneck::presign_window: return "presign_window";
  case bottleneck::presign_rate: return "presign_rate";
  case bottleneck::presign_connections: return "presign_connections";
  case bottleneck::api_away: return "api_away";
  case bottleneck::put_window: return "put_window";
  case bottleneck::put_rate: return "put_rate";
  case bottleneck::put_connections: return "put_connections";
  case bottleneck::storage_away: return "storage_away";
  case bottleneck::retry_budget: return "retry_budget";
  case bottleneck::pauses: return "pauses";
  case bottleneck::api_silent: return "api_silent";
  case bottleneck::storage_silent: return "storage_silent";
  case bottleneck::shortage: return "shortage";
  }
  return "unknown";
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
