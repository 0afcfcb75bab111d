#include "engine/operation/journal.hpp"

#include "engine/loop/thread.hpp"
#include "engine/operation/run.hpp"
#include "engine/words/outcomes.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace hoist::engine {

using namespace std::chrono_literals;

namespace {

// After a group the thread lingers this long for the next, so that a fast run wakes it a hundred times a second and
// not once per file. It is the most that a row of a batch is late. A commit to the disk costs milliseconds however
// small it is, so groups are larger there; together they stay under the promised 100 ms.
constexpr auto linger = 10ms;
constexpr auto linger_when_durable = 50ms;
// A group this large is worth waking up for at once.
constexpr std::size_t large_group = 1024;

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

void journal::inbox::clear() {
  files.clear();
  leases.clear();
}

journal::journal(ledger::store& store, reporter& out, std::function<void(const diagnostics&)> failed)
    : store_(store)
    , reporter_(out)
    , linger_(store.durable() ? linger_when_durable : linger)
    , failed_(std::move(failed))
    , thread_(start_thread([this] { loop(); })) {}

journal::~journal() {
  stop();
}

/// The thread is woken without the lock, which it would only have to wait for.
template <class Change>
void journal::change(Change make) {
  bool wakes = false;
  {
    const std::lock_guard lock(mutex_);
    const bool urgent = make();
    wakes = urgent ? !std::exchange(urgent_, true) : std::exchange(asleep_, false);
  }
  if (wakes) wake_.notify_one();
}

void journal::put(std::vector<settled>& group) {
  if (group.empty()) return;
  // When nothing else of its operation is on its way there is nothing to linger for; a single upload is always alone.
  bool last_of_some = false;
  for (const settled& s : group) last_of_some = s.owner->file_settled() || last_of_some;
  change([&] {
    std::ranges::move(group, std::back_inserter(inbox_.files));
    return last_of_some || inbox_.files.size() >= large_group;
  });
  group.clear();
}

void journal::lease(std::vector<ledger::row>& group) {
  if (group.empty()) return;
  change([&] {
    std::ranges::move(group, std::back_inserter(inbox_.leases));
    return false;
  });
  group.clear();
}

void journal::log(severity level, std::string text) {
  reporter_.log(level, text);
}

void journal::stop() {
  change([&] { return stopping_ = true; });
  if (thread_.joinable()) thread_.join();
}

void journal::loop() {
  inbox group;
  while (take(group)) {
    record(group);
    reporter_.hand_over(group.files);
  }
}

bool journal::take(inbox& into) {
  const bool busy = !into.empty();
  into.clear();
  std::unique_lock lock(mutex_);
  if (busy && !urgent_) wake_.wait_for(lock, linger_, [&] { return urgent_; });
  if (inbox_.empty() && !stopping_) {
    asleep_ = true;
    wake_.wait(lock, [&] { return !asleep_ || urgent_; });
    asleep_ = false;
  }
  urgent_ = false;
  std::swap(into, inbox_);
  return !(stopping_ && into.empty());
}

void journal::record(inbox& group) {
  if (!store_failed_ && store_.remembers()) write(group);
  // What could not be recorded is not told as settled: a resumed run will see to it again.
  if (store_failed_)
    for (settled& s : group.files) s.abandoned = true;
}

void journal::write(inbox& group) {
  try {
    for (ledger::row& r : group.leases)
      store_.put(std::move(r)); // first, so that a settlement in this group overtakes it
    for (const settled& s : group.files)
      if (!s.abandoned && !s.recorded) store_.put(row_of(s));
    store_.commit();
  } catch (const boost::system::system_error& e) {
    store_failed_ = true;
    failed_(of_ledger(e));
  }
}

} // namespace hoist::engine
