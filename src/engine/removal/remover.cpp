#include "engine/removal/remover.hpp"

#include "engine/loop/descriptors.hpp"
#include "engine/loop/from_options.hpp"
#include "engine/loop/spawn.hpp"
#include "engine/loop/thread.hpp"
#include "engine/words/redaction.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

namespace hoist::engine {

using namespace std::chrono_literals;
using core::file_id;
using core::action::settlement;

namespace {

constexpr auto tick_interval = 100ms;
constexpr int ids_a_turn = 4096;
/// A deletion is urgent to nobody: what an API takes from one client at once without a word.
constexpr int requests_auto_max = 128;
/// The scheduler wants to know until when its tickets may be used; a deletion's is used in the same turn.
constexpr auto ticket_life = 1h;

core::instant now_steady() {
  return std::chrono::steady_clock::now();
}
core::wall_time now_wall() {
  return std::chrono::time_point_cast<core::millis>(std::chrono::system_clock::now());
}

int requests_of(const options& o) {
  const int wanted = o.presign_concurrency > 0 ? o.presign_concurrency : requests_auto_max;
  return within_descriptors({1, wanted}, descriptors_free(), 1).presigns;
}

core::scheduler_limits limits_of(const options& o) {
  core::scheduler_limits l;
  l.presigns_max = requests_of(o);
  l.presigns = o.presign_concurrency > 0 ? core::sizing::fixed : core::sizing::adaptive;
  l.puts_max = static_cast<int>(removals_open_max); // never in the way
  l.counts_connections = true;
  return l;
}

} // namespace

remover::remover(const options& o)
    : api_(api_origin(o))
    , api_key_(o.api_key)
    , requests_max_(requests_of(o))
    , writer_(api_, o.api_key)
    , tls_(o.tls)
    , scheduler_(limits_of(o), retry_policy_of(o), random_seed())
    , sweeper_(o.timeout, static_cast<std::size_t>(requests_max_))
    , ticker_(io_.get_executor())
    , wakeup_(io_.get_executor(), [this] { schedule_pump(); }) {
  thread_ = start_thread([this] { io_.run(); });
}

remover::~remover() {
  stop_all(stop_mode::now);
  net::asio::post(io_, [this] { close(); });
  thread_.join();
}

void remover::close() {
  if (!runs_.empty()) { // their requests are being given up, which takes some turns
    net::asio::post(io_, [this] { close(); });
    return;
  }
  for (auto& c : channels_) c->stop();
  ticker_.cancel();
  wakeup_.cancel();
  work_.reset();
}

// ---- from other threads -----------------------------------------------------------------------------------------

void remover::start(std::shared_ptr<removal_run> r) {
  net::asio::post(io_, [this, r = std::move(r)] {
    r->started = now_steady();
    if (ended_ != errc{}) {
      r->ended = ended_;
      r->totals.details = end_details_;
    }
    runs_.push_back(r);
    schedule_pump();
  });
}

void remover::stop(std::weak_ptr<removal_run> r, stop_mode how) {
  net::asio::post(io_, [this, r = std::move(r), how] {
    if (const auto found = r.lock()) stop_run(*found, how);
  });
}

void remover::stop_all(stop_mode how) {
  net::asio::post(io_, [this, how] {
    for (const auto& r : runs_) stop_run(*r, how);
  });
}

void remover::stop_run(removal_run& r, stop_mode how) {
  r.stopped = how;
  for (file_id f = 0; f < flights_.size(); ++f) {
    if (flights_[f].owner.get() != &r) continue;
    // The scheduler would give up a request under way for a drain as well; here its answer is what the caller waits
    // for.
    if (flights_[f].answered || (how == stop_mode::drain && flights_[f].channel >= 0)) continue;
    report(core::event::file_cancelled{f, core::stop_kind::now});
  }
  schedule_pump();
}

// ---- ids in -----------------------------------------------------------------------------------------------------

void remover::refill() {
  for (const auto& r : runs_) refill(*r, r);
}

void remover::refill(removal_run& r, const std::shared_ptr<removal_run>& shared) {
  if (r.open > removals_open_max / 2) return;
  for (int n = 0; r.open < removals_open_max && !r.drained && !r.stopped && r.ended == errc{}; ++n) {
    if (n == ids_a_turn) return schedule_pump(); // refused ids are never open: a list of them would go on for long
    auto id = r.what.next ? r.what.next() : std::nullopt;
    if (id)
      take_in(*std::move(id), shared);
    else
      r.drained = true;
  }
}

void remover::take_in(std::string id, const std::shared_ptr<removal_run>& owner) {
  if (const auto reason = wire::refuse_id(id); !reason.empty()) {
    removal_report refused;
    refused.id = std::move(id);
    refused.error = errc::removal_rejected;
    refused.details.where = phase::source;
    refused.details.message = "the id " + std::string(reason);
    ++owner->totals.failed;
    if (owner->what.sink) owner->what.sink(std::move(refused));
    return;
  }
  if (free_.empty()) {
    free_.push_back(static_cast<file_id>(flights_.size()));
    flights_.emplace_back();
  }
  const file_id f = free_.back();
  free_.pop_back();
  flights_[f].owner = owner;
  flights_[f].id = std::move(id);
  ++owner->open;
  report(core::event::file_added{f});
}

// ---- what came of requests --------------------------------------------------------------------------------------

void remover::presign_answered(file_id f, wire::response& answer, core::instant sent, bool) {
  flight& one = flights_[f];
  one.channel = -1;
  auto verdict = of_delete_answer(answer, now_wall());
  if (verdict.answer == removal_answer::failed) return fail(f, std::move(verdict.why));
  one.answered = true;
  one.unknown = verdict.answer == removal_answer::unknown;
  one.last_failure = std::move(verdict.why.details);
  hide(one.last_failure, {api_key_, {}});
  report(core::event::presign_answered{f, {sent + ticket_life, sent + ticket_life, sent, std::nullopt}});
}

void remover::presign_broke(file_id f, const net::failure& why, bool fresh) {
  flights_[f].channel = -1;
  fail(f, of_failure(why, phase::remove, !fresh));
}

void remover::fail(file_id f, verdict v) {
  hide(v.details, {api_key_, {}});
  flights_[f].last_failure = std::move(v.details);
  report(core::event::presign_failed{f, v.what});
  // Nothing is begun again for an operation that is to end.
  if (flights_[f].owner->stopped) report(core::event::file_cancelled{f, core::stop_kind::now});
}

void remover::report(const core::scheduler_event& e) {
  scheduler_.on(e, now_steady());
  schedule_pump();
}

// ---- what to do next --------------------------------------------------------------------------------------------

void remover::schedule_pump() {
  if (std::exchange(pump_scheduled_, true)) return;
  net::asio::post(io_, [this] { pump(); });
}

void remover::pump() {
  pump_scheduled_ = false;
  refill();
  const auto now = now_steady();
  while (const auto next = scheduler_.next_action(now)) std::visit([this](const auto& a) { act(a); }, *next);
  for (auto& c : channels_)
    if (!c->outbox().empty()) c->flush();
  if (const auto next = scheduler_.next_wakeup()) wakeup_.ring_at(*next, now);
  start_ticking();
  complete_runs();
}

void remover::act(const core::action::start_presign& a) {
  flight& f = flights_[a.file];
  if (f.started == core::instant{}) f.started = now_steady();
  auto free = std::ranges::find_if(channels_, [](const auto& c) { return c->room() > 0; });
  if (free == channels_.end()) {
    if (std::ssize(channels_) == requests_max_)
      return fail(a.file,
                  {{core::outcome_kind::exhausted, std::nullopt}, {}}); // one that was given up still occupies it
    net::api_listener& answers = *this;
    channels_.push_back(std::make_unique<net::api_channel>(
        net::connect_context{io_.get_executor(), names_, tls_, buffers_, stream_tallies_}, api_, pipeline_, answers));
    spawn(io_, channels_.back()->run());
    free = std::prev(channels_.end());
  }
  f.channel = static_cast<int>(free - channels_.begin());
  (*free)->enqueue(a.file);
  writer_.append((*free)->outbox(), f.id);
  ++f.owner->totals.requests;
}

void remover::act(const core::action::start_put& a) {
  report(core::event::put_answered{a.file, 0});
}

void remover::act(const core::action::abort_attempt& a) {
  if (const int channel = flights_[a.file].channel; channel >= 0)
    channels_[static_cast<std::size_t>(channel)]->shut(net::asio::error::operation_aborted);
}

void remover::act(const core::action::settle& a) {
  flight f = std::exchange(flights_[a.file], flight{});
  free_.push_back(a.file);
  removal_run& owner = *f.owner;
  --owner.open;
  if (a.how == settlement::abandoned) {
    ++owner.totals.unsettled;
    return;
  }
  removal_report r;
  r.id = std::move(f.id);
  r.attempts = scheduler_.presigns_of(a.file);
  if (f.started != core::instant{}) r.elapsed = std::chrono::duration_cast<core::millis>(now_steady() - f.started);
  if (a.how == settlement::failed)
    r.error = a.cause == errc::gave_up ? errc::gave_up : errc::removal_rejected;
  else if (f.unknown)
    r.error = errc::not_stored;
  if (r.error) r.details = std::move(f.last_failure);
  if (r.error == errc::gave_up)
    r.details.message = "gave up after " + std::to_string(r.attempts) + " requests in " +
                        std::to_string(r.elapsed.count()) + " ms; last: " + r.details.message;
  ++(r.error ? owner.totals.failed : owner.totals.removed);
  if (owner.what.sink) owner.what.sink(std::move(r));
}

void remover::act(const core::action::end_run& a) {
  const diagnostics details = flights_[a.file].last_failure;
  if (a.cause == errc::key_refused) { // whatever comes later meets the same
    ended_ = a.cause;
    end_details_ = details;
  }
  for (const auto& r : runs_) {
    r->ended = a.cause;
    r->totals.details = details;
  }
}

void remover::complete_runs() {
  const auto over = [](const removal_run& r) { return r.open == 0 && (r.drained || r.stopped || r.ended != errc{}); };
  for (const auto& r : runs_) {
    if (!over(*r)) continue;
    r->what = {}; // what the caller gave goes before the completion
    r->totals.complete = r->drained && r->totals.unsettled == 0 && r->ended == errc{};
    r->totals.elapsed = std::chrono::duration_cast<core::millis>(now_steady() - r->started);
    error_code ec;
    if (r->ended != errc{})
      ec = r->ended;
    else if (r->stopped && !r->totals.complete)
      ec = errc::cancelled;
    std::move(r->done)(ec, std::move(r->totals));
  }
  std::erase_if(runs_, [&](const auto& r) { return over(*r); });
}

// ---- time -------------------------------------------------------------------------------------------------------

void remover::start_ticking() {
  if (ticking_ || channels_.empty()) return;
  ticking_ = true;
  ticker_.expires_after(tick_interval);
  ticker_.async_wait([this](const net::error_code& ec) { tick(ec); });
}

/// Shuts what is overdue, and goes on ticking while anything is connected.
void remover::tick(const net::error_code& ec) {
  ticking_ = false;
  if (ec) return;
  bool connected = false;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (sweeper_.overdue(i, channels_[i]->doing(), now_steady())) channels_[i]->shut(net::asio::error::timed_out);
    connected = connected || channels_[i]->connected();
  }
  if (connected || !scheduler_.done()) start_ticking();
}

} // namespace hoist::engine
