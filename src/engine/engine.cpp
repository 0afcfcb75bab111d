#include "engine/engine.hpp"

#include "engine/loop/descriptors.hpp"
#include "engine/loop/from_options.hpp"
#include "engine/operation/intake.hpp"
#include "ledger/fingerprint.hpp"
#include "ledger/memory_store.hpp"
#include "ledger/sqlite_store.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
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
// Connections kept for each PUT slot, if a slot finds so many descriptors free.
constexpr int connections_kept = 4, connections_kept_from = 8;
// What an uploader without a ledger remembers: nothing that anybody could ask for later.
constexpr std::size_t rows_without_ledger = 0;

int at_least_one(int n) {
  return std::max(1, n);
}

/// `total` over `parts` as evenly as it goes; the first ones get the rest.
int share(int total, int parts, int index) {
  return total / parts + (index < total % parts ? 1 : 0);
}

std::unique_ptr<ledger::store> open_ledger(const options& o) {
  if (o.ledger.empty()) return std::make_unique<ledger::memory_store>(rows_without_ledger);
  const auto origin = api_origin(o).text();
  return std::make_unique<ledger::sqlite_store>(o.ledger,
                                                ledger::owner{origin, ledger::key_fingerprint(o.api_key, origin)},
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

/// "Never" is said with the largest number there is, which does not fit into the clock's.
timeout_options bounded(timeout_options t) {
  for (auto* each : {&t.connect, &t.handshake, &t.progress, &t.response, &t.idle}) *each = core::bounded_millis(*each);
  return t;
}

shard_config config_of(const options& o) {
  shard_config c;
  c.retry = retry_policy_of(o);
  if (o.presign_depth > 0) c.presign_depth = {o.presign_depth, o.presign_depth};
  c.lifetime_max = core::bounded_millis(o.presign_lifetime_max);
  c.file_bytes_max = o.file_bytes_max;
  c.timeout = bounded(o.timeout);
  c.durable = !o.ledger.empty();
  c.verify = o.verify;
  c.api = api_origin(o);
  c.api_key = o.api_key;
  c.expires_in = o.expires_in;
  c.allow_http_storage = o.allow_plain_http || c.api.how == wire::scheme::http;
  c.storage_reach = o.allow_private_storage ? net::reach::not_loopback : net::reach::public_only;
  return c;
}

/// What keeps a scheduler from more, in the user's terms. A window that hoist sizes itself is as large as is of use:
/// what stands behind it is the host.
limit limit_of(const sample& seen, bool concurrency_given, const run& r) {
  switch (seen.what) {
  case core::bottleneck::nothing:
    if (r.starved_of_room()) return limit::sink;
    if (!r.source_at_end()) return limit::source;
    return seen.puts_in_flight > 0 ? limit::storage : seen.presigns_in_flight > 0 ? limit::presign_api : limit::sink;
  case core::bottleneck::presign_window:
  case core::bottleneck::presign_rate:
  case core::bottleneck::presign_connections: return limit::presign_api;
  case core::bottleneck::put_window: return concurrency_given ? limit::concurrency : limit::storage;
  case core::bottleneck::put_rate:
  case core::bottleneck::put_connections: return limit::storage;
  case core::bottleneck::retry_budget:
  case core::bottleneck::pauses: return seen.at_api ? limit::presign_api : limit::storage;
  case core::bottleneck::api_away:
  case core::bottleneck::storage_away:
  case core::bottleneck::api_silent:
  case core::bottleneck::storage_silent:
  case core::bottleneck::shortage: break;
  }
  return limit::waiting;
}

} // namespace

engine::engine(const options& o)
    : options_(o)
    , tls_(o.tls)
    , ledger_(open_ledger(o))
    , admission_(rules_of(o, *ledger_), [this](const diagnostics& why) { run_ended(errc::ledger_failed, why); }) {
  reporter_ = std::make_unique<reporter>(
      reporter::hooks{[this] { return snapshot(); }, [this](const std::shared_ptr<run>& r) { books_.leave(r); }});
  journal_ = std::make_unique<journal>(*ledger_, *reporter_,
                                       [this](const diagnostics& why) { run_ended(errc::ledger_failed, why); });

  ledger_notice_ = ledger_->notice();

  const int cores = at_least_one(static_cast<int>(std::thread::hardware_concurrency()));
  const int puts_wanted = o.concurrency > 0 ? o.concurrency : concurrency_auto_max;
  const int presigns_wanted = o.presign_concurrency > 0 ? o.presign_concurrency : puts_wanted;
  const auto free = descriptors_to_begin_with();
  const int threads_wanted = threads_within(o.threads > 0 ? o.threads : std::min(cores, threads_auto_max), free);
  const auto [puts, presigns] = within_descriptors({puts_wanted, presigns_wanted}, free, threads_wanted);
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
    c.limits.counts_connections = true;
    // Several origins each want connections kept for them, where there are descriptors for that.
    c.connections_max = free >= connections_kept_from * puts ? connections_kept * c.limits.puts_max : c.limits.puts_max;
    c.retry = core::share_of(c.retry, threads);
    c.seed = random_seed();
    c.facts = &facts_;
    c.origins = &origins_;
    shards_.push_back(std::make_unique<shard>(std::move(c), tls_, admission_, tickets_, *journal_, listener));
  }
  if (!o.ledger.empty()) examiner_ = std::make_unique<examiner>(admission_, ways_of_examined());
}

engine::~engine() {
  books_.close();
  stop_all(stop_mode::now);
  // Each leaves when its source and the shards have heard of the stop and its callers have heard of that; a callback
  // that starts something meanwhile finds the books closed. Then nobody calls us any more but our own threads.
  books_.wait_until_empty();
  intakes_.join();
  reporter_->stop();
  examiner_.reset();
  journal_->stop();
  shards_.clear();
}

// ---- beginning --------------------------------------------------------------------------------------------------

void engine::start(std::shared_ptr<run> r) {
  if (!books_.enter(r)) return complete_without_files(*r);
  try {
    reporter_->begin(r);
  } catch (const std::system_error& e) { // no thread to be had: the run ends as one whose source gives nothing
    r->source_threw(e.what());
    complete_without_files(*r);
    return books_.leave(r);
  }
  tell_ledger_notice();
  try {
    intakes_.start([in = intake(r, held_up_, admission_, ways_of_examined())]() mutable { in.pull_all(); });
  } catch (const std::system_error& e) {
    r->source_threw(e.what());
    r->reports().end();
  }
}

void engine::start(std::shared_ptr<run> r, source what) {
  r->file_taken();
  if (!books_.enter(r)) return refuse(*r, std::move(what));
  item file;
  file.what = std::move(what);
  file.owner = std::move(r);
  if (examiner_ && admission_.waits(file))
    examiner_->put(std::move(file));
  else
    submit(std::move(file));
}

/// On the caller's thread: its completion goes to an executor all the same.
void engine::complete_without_files(run& r) {
  r.finish(std::chrono::steady_clock::now(), [this] { return snapshot(); });
}

void engine::refuse(run& r, source what) {
  ++refused_;
  file_report report;
  report.path = std::move(what.path);
  report.tag = what.tag;
  report.settled_at = std::chrono::steady_clock::now();
  report.error = errc::cancelled; // unless the run has a reason
  r.deliver(std::move(report), true);
  complete_without_files(r);
}

/// The first batch is there to hear it.
void engine::tell_ledger_notice() {
  std::string notice;
  {
    const std::lock_guard lock(notice_mutex_);
    notice = std::exchange(ledger_notice_, {});
  }
  if (!notice.empty()) reporter_->log(severity::warning, notice);
}

ways_on engine::ways_of_examined() {
  return {[this](item file) { submit(std::move(file)); }, [this](settled s) { settle_early(std::move(s)); }};
}

void engine::submit(item file) {
  shard& chosen = least_loaded();
  run& owner = *file.owner;
  if (owner.single()) owner.taken_by = &chosen; // first: a stop either finds it, or is found by the shard
  chosen.submit(std::move(file));
}

shard& engine::least_loaded() {
  return **std::ranges::min_element(shards_, {}, [](const auto& s) { return s->load(); });
}

void engine::settle_early(settled s) {
  if (!s.abandoned) ++(s.report.error ? refused_ : recalled_);
  std::vector<settled> group;
  group.push_back(std::move(s));
  journal_->put(group);
}

// ---- ending -----------------------------------------------------------------------------------------------------

void engine::stop(const std::shared_ptr<run>& r, stop_mode how) {
  if (r->single()) how = stop_mode::now; // half of an upload is none
  r->request_stop(how);
  pass_on(r, how);
}

void engine::pass_on(const std::shared_ptr<run>& r, stop_mode how) {
  if (!r->single()) {
    for (auto& s : shards_) s->stop_run(r, how);
  } else if (shard* const holder = r->taken_by) {
    holder->stop_run(r, how);
  }
}

void engine::stop_all(stop_mode how) {
  for (const auto& r : books_.running()) stop(r, how);
}

void engine::run_ended(errc cause, const diagnostics& details) {
  for (const auto& r : books_.end_all(cause, details)) pass_on(r, stop_mode::now);
}

// ---- figures ----------------------------------------------------------------------------------------------------

/// Only batches are told what held them.
void engine::sampled(const sample& what) {
  books_.for_each_batch([&](run& r) {
    const limit named = limit_of(what, options_.concurrency > 0, r);
    r.bottleneck[static_cast<std::size_t>(named)].fetch_add(1, std::memory_order_relaxed);
  });
}

void engine::held_up_changed(std::ptrdiff_t by) {
  held_up_ += static_cast<std::size_t>(by);
  if (by > 0) books_.for_each_batch([](run& r) { r.room_grew(); });
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
