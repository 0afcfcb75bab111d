#include "engine/upload/shard.hpp"

#include "engine/loop/spawn.hpp"
#include "engine/loop/thread.hpp"
#include "wire/dates.hpp"
#include "wire/escape.hpp"

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

constexpr core::millis http_date_resolution = 1s;

constexpr int precondition_failed = 412;

constexpr std::size_t log_name_bytes_max = 256;

std::chrono::microseconds micros(core::instant::duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d);
}

core::instant now_steady() {
  return std::chrono::steady_clock::now();
}
core::wall_time now_wall() {
  return std::chrono::time_point_cast<core::millis>(std::chrono::system_clock::now());
}

/// A refusal that is about what this request says; any other may be about where it went.
bool is_about_the_request(int http_status) {
  return http_status == 400 || http_status == 413 || http_status == 415;
}

/// The words of how such an attempt ended are why a host is waited for.
bool tells_of_absence(core::outcome_kind kind) {
  using enum core::outcome_kind;
  return kind == unreachable || kind == handshake_lost || kind == tls_refused || kind == unavailable ||
         kind == gateway || kind == lost;
}

/// What is no reply may be half of one.
verdict of_cut_reply() {
  return of_failure({net::failure_kind::broken, "the connection was closed before the reply was whole"}, phase::presign,
                    true);
}

verdict busy_channels() {
  verdict v;
  v.what.kind = core::outcome_kind::exhausted;
  v.details.where = phase::presign;
  v.details.message = "every connection to the API is taken by requests that were given up";
  return v;
}

} // namespace

shard::shard(shard_config config, const net::tls_context& tls, const admission& gate, ticket_registry& tickets,
             journal& out, shard_listener& listener)
    : config_(std::move(config))
    , admission_(gate)
    , tickets_(tickets)
    , journal_(out)
    , listener_(listener)
    , connecting_{io_.get_executor(), names_, tls, buffers_, stream_tallies_}
    , scheduler_(config_.limits, config_.retry, config_.seed, config_.facts)
    , presign_writer_(config_.api, config_.api_key, config_.expires_in)
    , presign_reader_({config_.api_key, config_.allow_http_storage})
    , sweeper_(config_.timeout, static_cast<std::size_t>(config_.channels_max() + config_.workers_max() + 1))
    , ticker_(io_.get_executor())
    , wakeup_(io_.get_executor(), [this] { schedule_pump(); }) {
  adoption_listener& adoptions = *this;
  adopter_ = std::make_unique<adopter>(
      connecting_, adopter::rules{config_.api, config_.storage_reach, config_.allow_http_storage}, digests_, adoptions);
  spawn(io_, adopter_->run());
  thread_ = start_thread([this] { io_.run(); });
}

shard::~shard() {
  net::asio::post(io_, [this] { close(); });
  thread_.join();
}

void shard::close() {
  for (auto& c : channels_) c->stop();
  for (auto& w : workers_) w->stop();
  adopter_->stop();
  ticker_.cancel();
  wakeup_.cancel();
  work_.reset();
}

// ---- from other threads -----------------------------------------------------------------------------------------

void shard::submit(item file) {
  load_.fetch_add(1, std::memory_order_relaxed);
  bool first = false;
  {
    const std::lock_guard lock(inbox_mutex_);
    first = inbox_.empty();
    inbox_.push_back(std::move(file));
  }
  if (first) net::asio::post(io_, [this] { admit(); });
}

void shard::stop_run(std::shared_ptr<run> r, stop_mode how) {
  net::asio::post(io_, [this, r = std::move(r), how] {
    const auto kind = how == stop_mode::now ? core::stop_kind::now : core::stop_kind::drain;
    if (how == stop_mode::now) adopter_->shut(net::asio::error::operation_aborted, r.get());
    for (const file_id f : operations_.files_of(r.get())) report(core::event::file_cancelled{f, kind});
  });
}

void shard::admit() {
  {
    const std::lock_guard lock(inbox_mutex_);
    std::swap(admitting_, inbox_);
  }
  for (item& file : admitting_) {
    ++taken_;
    if (!file.examined)
      if (auto known = admission_.examine(file)) {
        settle_early(std::move(*known));
        continue;
      }
    if (file.lease && !file.owner->stopping())
      adopter_->begin(std::move(file));
    else
      take_in(std::move(file));
  }
  admitting_.clear();
  start_ticking();
  schedule_pump();
}

void shard::take_in(item file) {
  file_id f;
  if (free_ids_.empty()) {
    f = static_cast<file_id>(flights_.size());
    flights_.emplace_back();
  } else {
    f = free_ids_.back();
    free_ids_.pop_back();
  }
  flights_[f].file = std::move(file);
  flights_[f].operation = operations_.add(flights_[f].file.owner.get(), f);
  report(core::event::file_added{f, flights_[f].operation});
  if (flights_[f].file.owner->stopping()) report(core::event::file_cancelled{f, core::stop_kind::now});
}

void shard::adoption_ended(item file, std::optional<settled> adopted) {
  if (!adopted) return take_in(std::move(file));
  if (tells(adopted->report.etag, {config_.api_key, {}})) adopted->report.etag.clear();
  settle_early(std::move(*adopted));
  schedule_pump();
}

void shard::settle_early(settled s) {
  if (!s.abandoned) ++(s.report.error ? failed_ : done_);
  load_.fetch_sub(1, std::memory_order_relaxed);
  settled_.push_back(std::move(s));
}

// ---- events -----------------------------------------------------------------------------------------------------

void shard::report(const core::scheduler_event& e) {
  scheduler_.on(e, now_steady());
  schedule_pump();
}

void shard::fail_presign(file_id f, verdict v) {
  hide(v.details, secrets_of(f));
  if (tells_of_absence(v.what.kind)) api_failure_ = v.details.message;
  flights_[f].last_failure = std::move(v.details);
  latest_failure_ = flights_[f].last_failure.message;
  if (core::never_left(v.what.kind)) flights_[f].file.owner->presigns.fetch_sub(1, std::memory_order_relaxed);
  tell_end(f, "presign", v.what.kind);
  report(core::event::presign_failed{f, v.what});
}

secrets shard::secrets_of(file_id f) const {
  return {config_.api_key, flights_[f].ticket.put_url.target};
}

void shard::presign_connected(bool peer_is_public) {
  ++connections_;
  scheduler_.connection_opened(std::nullopt, now_steady());
  schedule_pump();
  if (!peer_is_public) storage_reach_ = net::reach::anywhere;
  adopter_->allow(storage_reach_);
  if (peer_is_public) return;
  for (auto& w : workers_) w->allow(storage_reach_);
}

void shard::presign_disconnected() {
  scheduler_.connection_closed(std::nullopt);
  schedule_pump();
}

void shard::presign_answered(file_id f, wire::response& answer, core::instant sent, bool) {
  const auto received = now_steady();
  flights_[f].channel = -1; // an abort that is still to come in this turn has nothing to abort
  core::server_clock its_clock;
  if (const auto date = wire::parse_http_date(answer.date)) {
    its_clock.observe(sent, received, *date, http_date_resolution);
    server_clock_.observe(sent, received, *date, http_date_resolution);
  } else if (!server_clock_.known()) {
    server_clock_.observe(received, received, now_wall(), core::millis{0});
  }

  if (journal_.hears(severity::trace))
    journal_.log(severity::trace, name_for_log(f) + ": POST " + config_.api.text() + " answered " +
                                      std::to_string(answer.status) + " in " +
                                      std::to_string(micros(received - sent).count()) + " us");
  if (auto failed = of_presign_answer(answer, now_wall())) {
    failed->what.of_this_request = is_about_the_request(answer.status);
    return fail_presign(f, std::move(*failed));
  }
  flight& one = flights_[f];
  answer.body.reserve(answer.body.size() + wire::presign_reader::padding());
  former_id_ = one.ticket.id;
  if (const auto refusal = presign_reader_.parse(answer.body, one.ticket))
    return fail_presign(f, answer.cut_off ? of_cut_reply() : of_refusal(refusal, answer));
  one.presign_time = micros(received - sent);
  one.maybe_stored = one.maybe_stored && one.ticket.id == former_id_;
  if (one.ticket.id != former_id_ && !tickets_.is_new(one.ticket)) return fail_presign(f, of_repeated_ticket());
  if (one.ticket.expires_at_unreadable && !std::exchange(warned_of_dates_, true))
    journal_.log(severity::warning, "the API's expires_at tells nothing that can be read; going by the URL's own "
                                    "expiry, or by presign_lifetime_max");
  const auto& clock = core::clock_for(one.ticket.dates, sent, received, server_clock_, its_clock, config_.lifetime_max);
  const auto lifetime = core::lifetime_of(one.ticket.dates, sent, clock, config_.lifetime_max);
  one.retained_until = lifetime.retained_until;
  one.issued_at_server = clock.at(sent);
  one.origin = origins_.number_of(one.ticket.put_url.where, scheduler_, *config_.origins,
                                  [this](core::origin_id given) { forget_origin(given); });
  if (!lifetime.usable(received)) {
    one.last_failure = {};
    one.last_failure.where = phase::presign;
    one.last_failure.message = "the presigned URL had lapsed when it came, by the API's own clock";
  }
  report(core::event::presign_answered{f, lifetime, one.origin});
}

void shard::presign_broke(file_id f, const net::failure& why, bool fresh) {
  flights_[f].channel = -1;
  if (pipeline_.given_up() && !std::exchange(told_of_pipelining_, true))
    journal_.log(severity::info, "the API does not take pipelined requests (" + why.text + "); asking one at a time");
  fail_presign(f, of_failure(why, phase::presign, !fresh));
}

void shard::connection_opened(core::origin_id to) {
  ++connections_;
  if (const auto* where = origins_.name_of(to)) config_.origins->note(*where, false);
  scheduler_.connection_opened(to, now_steady());
  schedule_pump();
}

/// What was known of the origin that had this number.
void shard::forget_origin(core::origin_id o) {
  if (o < served_.size()) served_[o] = false;
  if (o < storage_failures_.size()) storage_failures_[o].clear();
  if (o + std::size_t{1} < told_away_.size() && told_away_[o + std::size_t{1}]) {
    told_away_[o + std::size_t{1}] = false;
    config_.origins->is_news(host_text(o), false);
  }
}

void shard::connection_closed(core::origin_id to) {
  scheduler_.connection_closed(to);
  schedule_pump();
}

/// Who was never reached by this shard may have been by another: then it is away, and not somewhere that never was.
void shard::note_unreached(file_id f, const verdict& failed) {
  const auto origin = flights_[f].origin;
  if (!tells_of_absence(failed.what.kind)) return;
  if (origin >= storage_failures_.size()) storage_failures_.resize(origin + std::size_t{1});
  storage_failures_[origin] = failed.details.message;
  const auto* where = origins_.name_of(origin);
  if (where == nullptr) return;
  if (const auto known = config_.origins->of(*where); known.reached)
    scheduler_.origin_known(origin, known.served, now_steady());
}

void shard::put_finished(put_worker& w, file_id f, std::optional<verdict> failed) {
  (w.connected() ? idle_connected_ : idle_bare_).push_back(&w);
  flights_[f].worker = nullptr;
  if (!failed) {
    flights_[f].put_time = micros(now_steady() - flights_[f].put_begun);
    note_served(flights_[f].origin);
    if (journal_.hears(severity::debug))
      journal_.log(severity::debug, name_for_log(f) + ": stored by " + host_text(flights_[f].origin) + " in " +
                                        std::to_string(flights_[f].put_time.count()) + " us");
    if (tells(flights_[f].etag, secrets_of(f))) flights_[f].etag.clear();
    return report(core::event::put_answered{f, flights_[f].file.identity.size});
  }
  // 412 after a lost answer: only our own earlier PUT can have created this object. Count it as stored.
  if (failed->details.http_status == precondition_failed && flights_[f].maybe_stored) {
    flights_[f].verified = verification::none;
    return report(core::event::put_answered{f, flights_[f].file.identity.size});
  }
  flights_[f].maybe_stored = flights_[f].maybe_stored || (answer_was_lost(*failed) && failed->body_was_sent);
  if (may_have_stored(*failed)) note_unconfirmed(flights_[f]);
  hide(failed->details, secrets_of(f));
  if (failed->what.kind == core::outcome_kind::source_changed) look_again(f, *failed);
  note_unreached(f, *failed);
  if (core::never_left(failed->what.kind)) flights_[f].file.owner->puts.fetch_sub(1, std::memory_order_relaxed);
  flights_[f].last_failure = std::move(failed->details);
  latest_failure_ = flights_[f].last_failure.message;
  tell_end(f, "PUT", failed->what.kind);
  report(core::event::put_failed{f, failed->what});
}

void shard::note_served(core::origin_id o) {
  if (o >= served_.size()) served_.resize(o + std::size_t{1}, false);
  if (served_[o]) return;
  served_[o] = true;
  if (const auto* where = origins_.name_of(o)) config_.origins->note(*where, true);
}

std::string shard::name_for_log(file_id f) const {
  return wire::printable(flights_[f].file.what.path.native(), log_name_bytes_max);
}

/// How an attempt ended, for who reads the log at `debug`.
void shard::tell_end(file_id f, std::string_view what, core::outcome_kind kind) {
  if (!journal_.hears(severity::debug)) return;
  journal_.log(severity::debug, name_for_log(f) + ": " + std::string(what) + " " + std::string(core::name_of(kind)) +
                                    ": " + flights_[f].last_failure.message);
}

void shard::note_unconfirmed(flight& f) {
  if (f.unconfirmed.empty() || f.unconfirmed.back() != f.ticket.id) f.unconfirmed.push_back(f.ticket.id);
}

/// A changed file is tried again as what it is now, if it still is something that may be sent.
void shard::look_again(file_id f, verdict& v) {
  item& file = flights_[f].file;
  const auto seen = net::look_at(file.what);
  if (seen.status != net::source_status::ok)
    v = of_source(seen.status, seen.system_errno);
  else if (config_.file_bytes_max > 0 && seen.identity.size > config_.file_bytes_max)
    v = too_large(seen.identity.size, config_.file_bytes_max);
  else
    file.identity = seen.identity;
  flights_[f].maybe_stored = false; // what may be stored is what it was
}

void shard::put_disconnected(put_worker& w) {
  std::erase(idle_connected_, &w);
  idle_bare_.push_back(&w);
}

// ---- actions ----------------------------------------------------------------------------------------------------

void shard::schedule_pump() {
  if (std::exchange(pump_scheduled_, true)) return;
  net::asio::post(io_, [this] { pump(); });
}

void shard::pump() {
  pump_scheduled_ = false;
  const auto now = now_steady();
  scheduler_.group_presigns(pipeline_.depth());
  while (const auto next = scheduler_.next_action(now)) std::visit([this](const auto& a) { act(a); }, *next);
  for (auto& c : channels_)
    if (!c->outbox().empty()) c->flush();
  if (const auto next = scheduler_.next_wakeup()) wakeup_.ring_at(*next, now);
  if (scheduler_.done()) publish_limits();
  if (!settled_.empty()) publish(); // first: whoever hears of a file finds it counted
  journal_.put(settled_);
}

void shard::act(const core::action::start_presign& a) {
  flight& f = flights_[a.file];
  if (f.started == core::instant{}) f.started = now_steady();
  f.file.owner->presigns.fetch_add(1, std::memory_order_relaxed); // first: what never leaves takes it back
  // In order, so that the first channels stay warm and the last stay closed while they are not needed; and one that is
  // connected before one that is not, so that a limit of connections holds up nobody but who needs another.
  auto free = std::ranges::find_if(channels_, [](const auto& c) { return c->connected() && c->room() > 0; });
  if (free == channels_.end()) free = std::ranges::find_if(channels_, [](const auto& c) { return c->room() > 0; });
  if (free == channels_.end() && std::ssize(channels_) < config_.channels_max()) {
    add_channel();
    free = std::prev(channels_.end());
  }
  if (free == channels_.end()) { // requests that were given up occupy all of them
    f.channel = -1;
    return fail_presign(a.file, busy_channels());
  }
  f.channel = static_cast<int>(free - channels_.begin());
  (*free)->enqueue(a.file);
  presign_writer_.append((*free)->outbox(), f.file.content_type);
}

void shard::act(const core::action::start_put& a) {
  flight& f = flights_[a.file];
  f.channel = -1;
  f.leased = false;
  f.put_begun = now_steady();
  f.file.owner->puts.fetch_add(1, std::memory_order_relaxed);
  f.worker = &choose_worker(f.ticket.put_url.where);
  if (journal_.hears(severity::trace))
    journal_.log(severity::trace, name_for_log(a.file) + ": PUT to " + f.ticket.put_url.where.text() + ", " +
                                      std::to_string(f.file.identity.size) + " bytes, id " +
                                      wire::printable(f.ticket.id, 64));
  f.worker->begin(a.file, f);
}

void shard::add_channel() {
  net::api_listener& replies = *this;
  channels_.push_back(std::make_unique<net::api_channel>(connecting_, config_.api, pipeline_, replies));
  spawn(io_, channels_.back()->run());
}

void shard::add_worker() {
  put_listener& puts = *this;
  digest::md5_lanes* const digests = config_.verify == verify_mode::md5 ? &digests_ : nullptr;
  workers_.push_back(std::make_unique<put_worker>(connecting_, storage_reach_, digests, puts));
  idle_bare_.push_back(workers_.back().get());
  spawn(io_, workers_.back()->run());
}

/// A warm connection to the place, else a worker without one, be it a new one, else one whose connection leads
/// elsewhere.
put_worker& shard::choose_worker(const wire::origin& where) {
  const auto warm = std::find_if(idle_connected_.rbegin(), idle_connected_.rend(),
                                 [&](const put_worker* w) { return w->connected_to(where); });
  if (warm == idle_connected_.rend() && idle_bare_.empty() && std::ssize(workers_) < config_.workers_max())
    add_worker();
  auto& from = warm != idle_connected_.rend() || idle_bare_.empty() ? idle_connected_ : idle_bare_;
  const auto chosen = warm != idle_connected_.rend() ? std::prev(warm.base())
                      : idle_bare_.empty()           ? idle_connected_.begin()
                                                     : std::prev(idle_bare_.end());
  put_worker* const w = *chosen;
  from.erase(chosen);
  return *w;
}

void shard::act(const core::action::abort_attempt& a) {
  flight& f = flights_[a.file];
  if (f.worker != nullptr) return f.worker->shut(net::asio::error::operation_aborted);
  if (f.channel < 0) return;
  auto& channel = *channels_[static_cast<std::size_t>(f.channel)];
  if (channel.alone()) return channel.shut(net::asio::error::operation_aborted);
  // Others share the connection and would be lost with it: its answer is dropped when it comes.
  channel.forget(a.file);
  f.channel = -1;
  fail_presign(a.file, of_failure({net::failure_kind::cancelled, "given up"}, phase::presign, false));
}

void shard::act(const core::action::settle& a) {
  flight& f = flights_[a.file];
  settled s;
  s.report = report_of(a, f);
  s.owner = std::move(f.file.owner);
  s.record_name = std::move(f.file.record_name);
  s.recorded = f.file.what.memory != nullptr; // it has no name that a later run could know it by
  s.mtime_ns = f.file.identity.mtime_ns;
  s.ctime_ns = f.file.identity.ctime_ns;
  s.abandoned = a.how == settlement::abandoned;
  s.unconfirmed = std::exchange(f.unconfirmed, {});
  std::erase(s.unconfirmed, s.report.id); // confirmed at last
  if (a.how == settlement::done) {
    ++done_;
    done_bytes_ += f.file.identity.size;
  } else if (a.how == settlement::failed) {
    ++failed_;
  }
  operations_.remove(f.operation, a.file);
  settled_.push_back(std::move(s));
  f.file = {};
  f.last_failure = {};
  f.started = {};
  f.leased = false;
  f.maybe_stored = false;
  f.ticket.id.clear(); // so that no later file takes it for a former one of its own
  f.etag.clear();
  f.channel = -1;
  free_ids_.push_back(a.file);
  load_.fetch_sub(1, std::memory_order_relaxed);
}

void shard::act(const core::action::end_run& a) {
  auto details = flights_[a.file].last_failure;
  if (a.cause == errc::api_refused && details.http_status == 0)
    details.message = "the first " + std::to_string(core::uniform_refusal::files_max) + " presigned URLs of " +
                      config_.api.text() +
                      " had all lapsed when they came; compare the API's clock and its URL lifetime";
  else if (a.cause == errc::api_refused)
    details.message = "the first " + std::to_string(core::uniform_refusal::files_max) + " files were all refused by " +
                      config_.api.text() + "; is --endpoint right? The last answer: " + details.message;
  listener_.run_ended(a.cause, details);
}

file_report shard::report_of(const core::action::settle& a, flight& f) {
  file_report r;
  r.path = std::move(f.file.what.path);
  r.tag = f.file.what.tag;
  r.size = f.file.identity.size;
  r.content_type = std::move(f.file.content_type);
  r.attempts = scheduler_.puts_of(a.file);
  r.presigns = scheduler_.presigns_of(a.file);
  r.settled_at = now_steady();
  if (f.started != core::instant{}) r.elapsed = std::chrono::duration_cast<core::millis>(r.settled_at - f.started);
  if (a.how == settlement::done) {
    r.id = f.ticket.id;
    r.public_url = f.ticket.public_url;
    r.etag = f.etag;
    r.verified = f.verified;
    r.retained_until = f.retained_until;
    r.presign_time = f.presign_time;
    r.put_time = f.put_time;
    return r;
  }
  r.error = a.cause;
  r.details = std::move(f.last_failure);
  if (a.cause == errc::gave_up && r.details.message.empty()) r.details = never_tried(a.file);
  if (a.cause == errc::gave_up)
    r.details.message = "gave up after " + std::to_string(r.attempts) + " PUTs and " + std::to_string(r.presigns) +
                        " presigns in " + std::to_string(r.elapsed.count()) + " ms; last: " + r.details.message;
  if (a.cause == errc::ticket_lapsed)
    r.details.message =
        r.details.http_status != 0
            ? "every presigned URL lapsed while it was used (the storage said so); the last: " + r.details.message
            : "every presigned URL had lapsed before it could be used; compare the API's clock and its URL lifetime";
  return r;
}

} // namespace hoist::engine
