#include "engine/upload/put_worker.hpp"

#include "net/kernel_tls.hpp"
#include "wire/dates.hpp"
#include "wire/put_head.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

#include <chrono>
#include <string>

namespace hoist::engine {

namespace {

// A connection that has not been dropped for so long is one.
constexpr core::millis stands_after{200};

core::wall_time our_clock() {
  return std::chrono::time_point_cast<core::millis>(std::chrono::system_clock::now());
}

} // namespace

put_worker::put_worker(net::connect_context context, net::reach allowed, digest::md5_lanes* digests,
                       put_listener& listener)
    : connector_(context), allowed_(allowed), listener_(listener), asleep_(context.ex) {
  if (digests != nullptr) body_.digest_md5(*digests);
  asleep_.expires_at(net::timer::time_point::max());
}

void put_worker::begin(core::file_id f, flight& what) {
  file_ = f;
  job_ = &what;
  shut_.reset();
  doing_.enter(net::stage::idle); // idle no longer: else the sweeper may still take it for that, and give the file up
  if (connection_)
    connection_->wake();
  else
    asleep_.cancel();
}

net::task<void> put_worker::run() {
  while (!stopping_) {
    if (job_ == nullptr) {
      co_await idle_wait();
      continue;
    }
    auto failed = co_await attempt();
    body_.close();
    doing_.enter(net::stage::idle);
    job_ = nullptr;
    listener_.put_finished(*this, file_, std::move(failed));
  }
  drop_connection();
}

void put_worker::stop() {
  stopping_ = true;
  shut(net::asio::error::operation_aborted);
  asleep_.cancel();
}

void put_worker::shut(net::error_code why) {
  shut_ = why;
  connector_.shut(why);
  if (connection_) connection_->shut(why);
}

net::task<void> put_worker::idle_wait() {
  if (!connection_) {
    net::error_code woken;
    co_await asleep_.async_wait(net::asio::redirect_error(net::use_task, woken));
    co_return;
  }
  co_await connection_->wait(net::interest::read_or_wake);
  if (job_ != nullptr || stopping_) co_return;
  // Readable while idle: session tickets are fine, anything else ends the connection.
  net::failure ignored;
  if (connection_->is_open() && reader_.pull(*connection_, ignored) == net::answer_reader::progress::waiting &&
      !reader_.any_byte())
    co_return;
  drop_connection();
  listener_.put_disconnected(*this);
}

net::task<std::optional<verdict>> put_worker::attempt() {
  const item& file = job_->file;
  const auto opened = body_.open(file.what, file.identity);
  if (opened.status != net::source_status::ok) co_return of_source(opened.status, opened.system_errno);

  head_.clear();
  const auto contradiction = wire::append_put_head(head_, job_->ticket, file.content_type, file.identity.size);
  if (!contradiction.empty()) co_return header_contradiction(contradiction);
  if (head_.size() > net::head_bytes_max) co_return header_contradiction("make a head over 32 KiB");

  if (connection_ && !(connected_to(job_->ticket.put_url.where) && connection_->is_open())) drop_connection();
  if (shut_) co_return of_failure({net::failure_kind::cancelled, "given up"}, phase::put, false);
  std::optional<verdict> failed;
  if (!connection_) failed = co_await connect();
  if (!failed) failed = co_await exchange();
  co_return failed;
}

net::task<std::optional<verdict>> put_worker::connect() {
  origin_ = job_->ticket.put_url.where;
  origin_id_ = job_->origin;
  // The file that a connection is made for decides who encrypts on it: src/net/README.md.
  const bool large = body_.sendable() && body_.left() >= net::kernel_tls_bytes_min;
  const auto by = large ? net::sealing::in_kernel : net::sealing::in_process;
  auto result = co_await connector_.connect(origin_, allowed_, doing_, by);
  if (result.why) co_return of_failure(result.why, phase::connect, false);
  connection_ = std::move(result.connected);
  connected_at_ = std::chrono::steady_clock::now();
  counted_ = false;
  // Without TLS nobody has said anything yet: a balancer that takes no more connections may drop it at once.
  if (connection_->encrypted()) count_connection(core::instant::max());
  reader_.restart();
  exchanges_ = 0;
  co_return std::nullopt;
}

net::task<std::optional<verdict>> put_worker::exchange() {
  const bool reused = exchanges_++ > 0;
  if (shut_) connection_->shut(*shut_); // asked for while the connection was being made
  const net::put_result result = co_await net::put_exchange(*connection_, reader_, head_, body_, doing_);
  if (reader_.any_byte()) count_connection(core::instant::max());
  auto failed = judge(result, reused);
  if (failed) {
    failed->body_was_sent = result.sent_all;
    if (reader_.any_byte()) failed->what.fresh_connection = false;
  }
  if (result.reusable && !stopping_)
    reader_.next();
  else
    drop_connection();
  co_return failed;
}

std::optional<verdict> put_worker::judge(const net::put_result& result, bool reused) {
  if (result.source != net::source_status::ok) return of_source(result.source, 0);
  if (result.why.kind == net::failure_kind::broken &&
      reader_.head_done()) // once by accident; what does it each time is no server
    return of_failure({net::failure_kind::bad_response, "the storage's answer was cut off in its body"}, phase::put,
                      reused);
  if (result.why) return of_failure(result.why, phase::put, reused);
  if (auto failed = of_put_answer(reader_.answer(), our_clock(), job_->file.identity.size)) {
    const auto date = wire::parse_http_date(reader_.answer().date);
    if (date && job_->issued_at_server) failed->what.ticket_age = *date - *job_->issued_at_server;
    return failed;
  }
  if (!result.sent_all) // whatever it has stored, it is not this file
    return of_failure(
        {net::failure_kind::bad_response,
         "the storage answered " + std::to_string(reader_.answer().status) + " before it had the whole file"},
        phase::put, reused);
  // The proof that one version of the file was sent comes after the answer: until then its pages could still change.
  if (!body_.unchanged()) return of_source(net::source_status::changed, 0);
  job_->etag = wire::unquoted(reader_.answer().etag);
  return compare_digests();
}

/// Equal digests prove the bytes; an ETag that is no MD5 proves nothing either way, and the size must do.
std::optional<verdict> put_worker::compare_digests() {
  job_->verified = verification::size;
  const std::string ours = body_.md5();
  if (ours.empty() || !wire::etag_is_md5(job_->etag, reader_.answer().encryption)) return std::nullopt;
  if (!wire::equal_ignoring_case(ours, job_->etag)) return digest_differs();
  job_->verified = verification::md5;
  return std::nullopt;
}

void put_worker::count_connection(core::instant now) {
  if (!connection_ || counted_ || now - connected_at_ < stands_after) return;
  counted_ = true;
  listener_.connection_opened(origin_id_);
}

void put_worker::drop_connection() {
  if (!connection_) return;
  connection_.reset();
  if (std::exchange(counted_, false)) listener_.connection_closed(origin_id_);
  exchanges_ = 0;
}

} // namespace hoist::engine
