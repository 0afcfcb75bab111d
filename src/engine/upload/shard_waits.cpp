// What a shard says: of hosts that are away, of what is waited for, and should it ever stand still.

#include "engine/upload/shard.hpp"

#include <algorithm>
#include <chrono>

namespace hoist::engine {

using namespace std::chrono_literals;
using core::file_id;

namespace {

// A host that is away for less is not worth a word.
constexpr core::millis worth_telling = 500ms;

std::string_view words_for(core::bottleneck what) {
  switch (what) {
  case core::bottleneck::shortage: return "file descriptors, ports or memory of this process";
  case core::bottleneck::retry_budget: return "the retry budget";
  case core::bottleneck::pauses: return "the pauses before retries";
  case core::bottleneck::presign_rate: return "the API's rate limit";
  case core::bottleneck::put_rate: return "the storage's rate limit";
  case core::bottleneck::presign_connections: return "a connection to the API, which takes no more";
  case core::bottleneck::put_connections: return "a connection to the storage, which takes no more";
  default: return "its turn";
  }
}

} // namespace

/// Files that wait for nothing are a fault of ours. It is told with what explains it, and costs time instead of the
/// run.
void shard::watch_liveness(core::instant now) {
  if (!scheduler_.stalled(now)) return;
  journal_.log(severity::error, "hoist stood still: " + std::to_string(scheduler_.open_files()) +
                                    " files inside, held by " + std::string(core::name_of(scheduler_.bottleneck())) +
                                    ", " + std::to_string(scheduler_.tickets_ready()) +
                                    " tickets ready, nothing in flight; " +
                                    "going on by force. Please report this line");
  scheduler_.heal();
  schedule_pump();
}

std::string shard::host_text(std::optional<core::origin_id> storage) const {
  const auto authority = [](const wire::origin& o) {
    const std::string text = o.text();
    const auto at = text.find("://");
    return at == std::string::npos ? text : text.substr(at + 3);
  };
  if (!storage) return "API " + authority(config_.api);
  const auto* where = origins_.name_of(*storage);
  return where != nullptr ? "storage " + authority(*where) : std::string("storage");
}

/// Of the latest attempt that failed there; without the host's name, which stands before it.
std::string shard::reason_text(std::optional<core::origin_id> storage) const {
  const auto* where = storage ? origins_.name_of(*storage) : &config_.api;
  static const std::string nothing;
  const std::string& said = !storage                              ? api_failure_
                            : *storage < storage_failures_.size() ? storage_failures_[*storage]
                                                                  : nothing;
  const std::string name = where != nullptr ? where->text() + ": " : std::string();
  const auto at = name.empty() ? std::string::npos : said.find(name);
  return at == std::string::npos ? said : said.substr(at + name.size());
}

/// One line when a host goes away, and one when it is back.
void shard::tell_absences(core::instant now) {
  const bool is_short = scheduler_.short_since().has_value();
  if (is_short != told_short_) {
    told_short_ = is_short;
    journal_.log(severity::warning, is_short ? "out of file descriptors, ports or memory (" + latest_failure_ +
                                                   "); waiting until some are free"
                                             : "file descriptors, ports or memory are to be had again");
  }
  told_away_.resize(origins_.size() + 1, false);
  for (std::size_t i = 0; i <= origins_.size(); ++i) {
    const auto which = i == 0 ? std::nullopt : std::optional(static_cast<core::origin_id>(i - 1));
    const auto down = scheduler_.down_since(which);
    const bool away = down && now - *down >= worth_telling;
    if (away == told_away_[i] || (down && !away)) continue;
    told_away_[i] = away;
    const std::string host = host_text(which);
    if (!config_.origins->is_news(host, away)) continue;
    if (away)
      journal_.log(severity::warning,
                   "the " + host + " does not answer (" + reason_text(which) + "); asking once a second");
    else
      journal_.log(severity::warning, "the " + host + " answers again");
  }
}

void shard::publish_wait(core::instant now) {
  std::optional<waiting> told;
  if (const auto w = scheduler_.foremost_wait(now); w && now - w->since >= worth_telling) {
    told.emplace();
    using enum core::bottleneck;
    const bool silent = w->what == api_silent || w->what == storage_silent;
    if (w->what == api_away || w->what == storage_away || silent) {
      told->for_what = host_text(w->origin);
      told->reason = silent ? "no answer to what it was sent" : reason_text(w->origin);
    } else {
      told->for_what = words_for(w->what);
      if (w->what == pauses || w->what == retry_budget) told->reason = latest_failure_;
    }
    told->since = std::chrono::duration_cast<core::millis>(now - w->since);
    if (w->next)
      told->next_try = std::chrono::duration_cast<core::millis>(std::max(*w->next - now, core::instant::duration{}));
  }
  const std::lock_guard lock(wait_mutex_);
  wait_ = std::move(told);
}

/// Why a file was given up that never had its turn.
diagnostics shard::never_tried(file_id f) const {
  diagnostics d;
  d.where = phase::connect;
  auto origin = scheduler_.origin_of(f);
  if (!origin) // no ticket was asked for, since the one that all wait for is away
    if (const auto what = scheduler_.foremost_wait(std::chrono::steady_clock::now())) origin = what->origin;
  const std::string reason = reason_text(origin);
  d.message = host_text(origin) + " serves nobody" + (reason.empty() ? "" : ": " + reason);
  return d;
}

} // namespace hoist::engine
