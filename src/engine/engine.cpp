#include "engine/engine.hpp"

#include "engine/descriptors.hpp"
#include "engine/from_options.hpp"
#include "ledger/fingerprint.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/sqlite_store.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace hoist::engine {

namespace {

constexpr int threads_auto_max = 4;
// What a number that was not given may grow to: about 140 MiB of connections, should a host have use for all of them.
constexpr int concurrency_auto_max = 1024;
constexpr int window_auto_min = 16;
// Presigns share their connections, and each costs a handshake.
constexpr int presigns_auto_min = 4;
// What an uploader without a ledger remembers: nothing that anybody could ask for later.
constexpr std::size_t rows_without_ledger = 0;

int at_least_one(int n) { return std::max(1, n); }

/// `total` over `parts` as evenly as it goes; the first ones get the rest.
int share(int total, int parts, int index) { return total / parts + (index < total % parts ? 1 : 0); }

std::unique_ptr<ledger::store> open_ledger(const options& o) {
  if (o.ledger.empty()) return std::make_unique<ledger::memory_store>(rows_without_ledger);
  const auto origin = api_origin(o).text();
  return std::make_unique<ledger::sqlite_store>(o.ledger, ledger::owner{origin, ledger::key_fingerprint(o.api_key, origin)},
                                                ledger::opening{o.rekey, o.resume != resume_mode::none});
}

admission::rules rules_of(const options& o, ledger::store& record) {
  std::error_code ignored; // of a folder that is gone: paths below it cannot be opened either
  admission::rules r;
  r.bytes_max = o.file_bytes_max;
  r.record = o.ledger.empty() ? nullptr : &record;
  r.resume = o.resume;
  r.working_directory = std::filesystem::current_path(ignored).native();
  return r;
}

shard_config config_of(const options& o) {
  shard_config c;
  c.retry = retry_policy_of(o);
  if (o.presign_depth > 0) c.presign_depth = {o.presign_depth, o.presign_depth};
  c.lifetime_max = o.presign_lifetime_max;
  c.file_bytes_max = o.file_bytes_max;
  c.timeout = o.timeout;
  c.durable = !o.ledger.empty();
  c.verify = o.verify;
  c.api = api_origin(o);
  c.api_key = o.api_key;
  c.expires_in = o.expires_in;
  c.allow_http_storage = o.allow_plain_http || c.api.how == wire::scheme::http;
  c.storage_reach = o.allow_private_storage ? net::reach::not_loopback : net::reach::public_only;
  return c;
}

/// What keeps a scheduler from more, in the user's terms. A window that hoist sizes itself is as large as is of use: what
/// stands behind it is the host.
limit limit_of(core::held_by what, bool concurrency_given, bool sink_is_slow) {
  switch (what) {
    case core::held_by::nothing: return sink_is_slow ? limit::sink : limit::source;
    case core::held_by::presign_window:
    case core::held_by::presign_rate:
    case core::held_by::api_away: return limit::presign_api;
    case core::held_by::put_window: return concurrency_given ? limit::concurrency : limit::storage;
    case core::held_by::put_rate:
    case core::held_by::storage_away:
    case core::held_by::retry_budget:
    case core::held_by::pauses: break;
  }
  return limit::storage;
}

} // namespace

engine::engine(const options& o)
    : options_(o), tls_(o.tls), ledger_(open_ledger(o)),
      admission_(rules_of(o, *ledger_), [this](const diagnostics& why) { run_ended(errc::ledger_failed, why); }) {
  recorder_ = std::make_unique<recorder>(
      *ledger_, [this] { return snapshot(); }, [this](const diagnostics& why) { run_ended(errc::ledger_failed, why); });

  ledger_notice_ = ledger_->notice();

  const int cores = at_least_one(static_cast<int>(std::thread::hardware_concurrency()));
  const int puts_wanted = o.concurrency > 0 ? o.concurrency : concurrency_auto_max;
  const int presigns_wanted = o.presign_concurrency > 0 ? o.presign_concurrency : puts_wanted;
  const int threads_wanted = o.threads > 0 ? o.threads : std::min(cores, threads_auto_max);
  const auto [puts, presigns] = within_descriptors({puts_wanted, presigns_wanted}, descriptors_max(), threads_wanted);
  const int threads = std::min(threads_wanted, puts);
  using enum core::sizing;
  shard_listener& listener = *this;
  for (int i = 0; i < threads; ++i) {
    shard_config c = config_of(o);
    c.limits.puts_max = share(puts, threads, i);
    c.limits.presigns_max = at_least_one(share(presigns, threads, i));
    c.limits.tickets_ahead_max = std::max(2, c.limits.puts_max / 4);
    c.limits.puts = o.concurrency > 0 ? fixed : adaptive;
    c.limits.presigns = o.presign_concurrency > 0 ? fixed : adaptive;
    c.limits.puts_min = at_least_one(window_auto_min / threads);
    c.limits.presigns_min = at_least_one(presigns_auto_min / threads);
    c.retry = core::share_of(c.retry, threads);
    c.seed = random_seed();
    c.refusals = &refusals_;
    c.reached = &reached_;
    shards_.push_back(std::make_unique<shard>(std::move(c), tls_, admission_, tickets_, *recorder_, listener));
  }
}

engine::~engine() {
  stop_all(stop_mode::now);
  std::list<std::unique_ptr<intake>> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(intakes_);
  }
  ending.clear(); // joins, without the lock: a source may call us. Each has told the recorder that it is at its end
  // The recorder's runs end when the shards have settled their files, which the stop has them do.
  recorder_->stop();
  shards_.clear();
}

void engine::start(std::shared_ptr<run> r) {
  if (!enter(r)) return recorder_->source_ended(r);
  intake::hooks hooks;
  hooks.accept = [this](item file) { submit(std::move(file)); };
  hooks.settle = [this](settled s) { settle_early(std::move(s)); };
  hooks.ended = [this](const std::shared_ptr<run>& ended) { recorder_->source_ended(ended); };
  try {
    const std::lock_guard lock(mutex_);
    intakes_.push_back(std::make_unique<intake>(r, files_open_max, admission_, std::move(hooks)));
  } catch (const std::system_error& e) { // no thread to be had: the run ends as one whose source gives nothing
    r->source_threw(e.what());
    recorder_->source_ended(r);
  }
}

void engine::start(std::shared_ptr<run> r, source what) {
  r->file_taken();
  if (enter(r)) {
    item file;
    file.what = std::move(what);
    file.owner = std::move(r);
    return submit(std::move(file));
  }
  settled s;
  s.owner = std::move(r);
  s.recorded = true; // this end is the uploader's, not the file's
  s.report.path = std::move(what.path);
  s.report.tag = what.tag;
  s.report.settled_at = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    s.report.error = ended_;
    s.report.details = end_details_;
  }
  settle_early(std::move(s));
}

bool engine::enter(const std::shared_ptr<run>& r) {
  recorder_->began(r);
  const std::lock_guard lock(mutex_);
  // The first run is there to hear it.
  if (const auto notice = std::exchange(ledger_notice_, {}); !notice.empty()) recorder_->log(severity::warning, notice);
  forget_finished();
  runs_.push_back(r);
  if (ended_ == errc{}) return true;
  r->end(ended_, end_details_);
  return false;
}

/// Precondition: the lock is held. A finished intake joins at once.
void engine::forget_finished() {
  std::erase_if(runs_, [](const auto& r) { return r.expired(); });
  std::erase_if(intakes_, [](const auto& i) { return i->finished(); });
}

void engine::submit(item file) { least_loaded().submit(std::move(file)); }

shard& engine::least_loaded() {
  return **std::ranges::min_element(shards_, {}, [](const auto& s) { return s->load(); });
}

void engine::settle_early(settled s) {
  if (!s.abandoned) ++(s.report.error ? refused_ : recalled_);
  std::vector<settled> group;
  group.push_back(std::move(s));
  recorder_->put(group);
}

void engine::stop(const std::shared_ptr<run>& r, stop_mode how) {
  if (r->single()) how = stop_mode::now; // half of an upload is none
  r->request_stop(how);
  for (auto& s : shards_) s->stop_run(r, how);
}

std::vector<std::shared_ptr<run>> engine::running() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<run>> result;
  for (const auto& weak : runs_)
    if (auto r = weak.lock()) result.push_back(std::move(r));
  return result;
}

void engine::stop_all(stop_mode how) {
  for (const auto& r : running()) stop(r, how);
}

void engine::run_ended(errc cause, const diagnostics& details) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_ != errc{}) return;
    ended_ = cause;
    end_details_ = details;
  }
  for (const auto& r : running()) r->end(cause, details);
  for (auto& s : shards_) s->end_run(cause);
}

void engine::sampled(core::held_by what) {
  for (const auto& r : running()) {
    const limit named = limit_of(what, options_.concurrency > 0, r->starved_of_room());
    ++r->held_by[static_cast<std::size_t>(named)];
  }
}

counters engine::snapshot() const {
  counters sum;
  sum.files_failed = refused_.load();
  sum.files_done = recalled_.load();
  sum.files_taken = sum.files_failed + sum.files_done;
  for (const auto& s : shards_) s->add_to(sum);
  return sum;
}

} // namespace hoist::engine
