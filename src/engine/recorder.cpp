#include "engine/recorder.hpp"

#include "engine/outcomes.hpp"
#include "engine/thread.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace hoist::engine {

using namespace std::chrono_literals;

namespace {

// After a group the thread lingers this long for the next, so that a fast run wakes it a hundred times a second and
// not once per file. It is the most that a row of a batch is late. A commit to the disk costs milliseconds however small
// it is, so groups are larger there; together they stay under the promised 100 ms.
constexpr auto linger = 10ms;
constexpr auto linger_when_durable = 50ms;
// A group this large is worth waking up for at once.
constexpr std::size_t large_group = 1024;
constexpr auto progress_interval = 100ms;

ledger::row row_of(const settled& s) {
  ledger::row r;
  r.path = s.record_name.empty() ? s.report.path.native() : s.record_name;
  r.state = s.report.error ? ledger::row_state::failed : ledger::row_state::done;
  r.size = s.report.size;
  r.mtime_ns = s.mtime_ns;
  r.ctime_ns = s.ctime_ns;
  r.id = s.report.id;
  r.public_url = s.report.public_url;
  r.etag = s.report.etag;
  r.content_type = s.report.content_type;
  r.verified = s.report.verified;
  r.retained_until = s.report.retained_until;
  r.attempts = s.report.attempts;
  r.presigns = s.report.presigns;
  if (!s.report.error) return r;
  r.cause = static_cast<errc>(s.report.error.value());
  r.message = s.report.details.message;
  return r;
}

} // namespace

void recorder::inbox::clear() {
  files.clear();
  leases.clear();
  new_runs.clear();
  ended_sources.clear();
  lines.clear();
}

recorder::recorder(ledger::store& store, std::function<counters()> counters_now,
                   std::function<void(const diagnostics&)> failed)
    : store_(store), linger_(store.durable() ? linger_when_durable : linger), counters_now_(std::move(counters_now)),
      failed_(std::move(failed)), thread_(started([this] { loop(); })) {}

recorder::~recorder() { stop(); }

/// The thread is woken without the lock, which it would only have to wait for.
template <class Change>
void recorder::change(Change make) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    const bool urgent = make();
    wakes = urgent ? !std::exchange(urgent_, true) : std::exchange(asleep_, false);
  }
  if (wakes) wake_.notify_one();
}

void recorder::began(std::shared_ptr<run> r) {
  change([&] {
    inbox_.new_runs.push_back(std::move(r));
    return false;
  });
}

void recorder::put(std::vector<settled>& group) {
  if (group.empty()) return;
  change([&] {
    const bool single = std::ranges::any_of(group, [](const settled& s) { return s.owner->single(); });
    // When nothing else is on its way there is nothing to linger for.
    const auto& owner = *group.back().owner;
    std::ranges::move(group, std::back_inserter(inbox_.files));
    group.clear();
    return single || inbox_.files.size() >= large_group || inbox_.files.size() >= owner.files_open();
  });
}

void recorder::lease(std::vector<ledger::row>& group) {
  if (group.empty()) return;
  change([&] {
    std::ranges::move(group, std::back_inserter(inbox_.leases));
    group.clear();
    return false;
  });
}

void recorder::source_ended(std::shared_ptr<run> r) {
  change([&] {
    inbox_.ended_sources.push_back(std::move(r));
    return true;
  });
}

void recorder::log(severity level, std::string text) {
  change([&] {
    inbox_.lines.push_back({level, std::move(text)});
    return false;
  });
}

void recorder::stop() {
  change([&] { return stopping_ = true; });
  if (thread_.joinable()) thread_.join();
}

void recorder::loop() {
  inbox group;
  while (take(group)) process(group);
}

bool recorder::take(inbox& into) {
  const bool busy = !into.files.empty() || !into.leases.empty();
  into.clear();
  std::unique_lock lock(mutex_);
  if (busy && !urgent_) wake_.wait_for(lock, linger_, [&] { return urgent_; });
  if (inbox_.empty() && !(stopping_ && runs_.empty())) {
    asleep_ = true;
    const auto woken = [&] { return !asleep_ || urgent_; };
    if (runs_.empty())
      wake_.wait(lock, woken);
    else
      wake_.wait_for(lock, progress_interval, woken);
    asleep_ = false;
  }
  urgent_ = false;
  std::swap(into, inbox_);
  return !(stopping_ && into.empty() && runs_.empty());
}

void recorder::process(inbox& group) {
  for (auto& r : group.new_runs) runs_.push_back(std::move(r));
  for (const auto& line : group.lines)
    for (const auto& r : runs_)
      if (r->watch().on_log) r->watch().on_log(line.level, line.text);
  record(group);
  deliver(group);
  for (const auto& r : group.ended_sources) r->source_ended();
  tell_progress();
  complete_runs();
}

void recorder::record(inbox& group) {
  if (ledger_failed_ || !store_.remembers()) return;
  try {
    for (ledger::row& r : group.leases) store_.put(std::move(r)); // first, so that a settlement in this group overtakes it
    for (const settled& s : group.files)
      if (!s.abandoned && !s.recorded) store_.put(row_of(s));
    store_.commit();
  } catch (const boost::system::system_error& e) {
    ledger_failed_ = true;
    failed_(of_ledger(e));
  }
}

void recorder::deliver(inbox& group) {
  for (settled& s : group.files) {
    // What could not be recorded is not reported as settled: a resumed run will see to it again.
    const auto owner = std::move(s.owner);
    owner->leave_behind(s.unconfirmed);
    owner->deliver(std::move(s.report), s.abandoned || ledger_failed_);
  }
  for (const auto& r : runs_) r->flush();
}

void recorder::tell_progress() {
  const auto now = std::chrono::steady_clock::now();
  if (now < progress_due_) return;
  progress_due_ = now + progress_interval;
  for (const auto& r : runs_)
    if (r->watch().on_progress) r->watch().on_progress(counters_now_());
}

void recorder::complete_runs() {
  const auto finished = std::stable_partition(runs_.begin(), runs_.end(), [](const auto& r) { return !r->complete(); });
  const auto now = std::chrono::steady_clock::now();
  for (auto r = finished; r != runs_.end(); ++r) {
    if ((*r)->watch().on_progress) (*r)->watch().on_progress(counters_now_()); // the last word is the whole truth
    (*r)->finish(now, counters_now_());
  }
  runs_.erase(finished, runs_.end());
}

} // namespace hoist::engine
