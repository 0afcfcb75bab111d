#include "engine/upload/adopter.hpp"

#include "engine/operation/admission.hpp"
#include "net/disk_waiters.hpp"
#include "net/head_exchange.hpp"
#include "wire/head_request.hpp"
#include "wire/header_rules.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <utility>
#include <vector>

namespace hoist::engine {

namespace {

// A digest is made in pieces, between which the shard's other files get their turn.
constexpr std::size_t piece = 256 * 1024;

} // namespace

adopter::adopter(net::connect_context context, rules r, digest::md5_lanes& digests, adoption_listener& listener)
    : connector_(context)
    , ex_(context.ex)
    , rules_(std::move(r))
    , digests_(digests)
    , listener_(listener)
    , asleep_(context.ex) {
  asleep_.expires_at(net::timer::time_point::max());
}

void adopter::begin(item file) {
  waiting_.push_back(std::move(file));
  asleep_.cancel();
}

net::task<void> adopter::run() {
  while (!stopping_) {
    if (waiting_.empty()) {
      connection_.reset(); // nobody knows when the next one comes
      net::error_code woken;
      co_await asleep_.async_wait(net::asio::redirect_error(net::use_task, woken));
      continue;
    }
    item file = std::move(waiting_.front());
    waiting_.pop_front();
    current_ = &file;
    shut_ = file.owner->stopping();
    const bool found = co_await stored(file);
    doing_.enter(net::stage::idle);
    body_.close();
    current_ = nullptr;
    std::optional<settled> result;
    if (found) result = as_known(file, *file.lease);
    file.lease.reset();
    listener_.adoption_ended(std::move(file), std::move(result));
  }
  connection_.reset();
}

void adopter::stop() {
  stopping_ = true;
  shut(net::asio::error::operation_aborted);
  asleep_.cancel();
}

void adopter::shut(net::error_code why, const engine::run* owner) {
  if (owner != nullptr && (current_ == nullptr || current_->owner.get() != owner)) return;
  shut_ = true;
  connector_.shut(why);
  if (connection_) connection_->shut(why);
}

/// Whether the leased URL serves what the file is. Completes the lease with what proves it.
net::task<bool> adopter::stored(item& file) {
  wire::url where;
  if (shut_ || !wire::parse_url(file.lease->public_url, where).empty()) co_return false;
  if (where.where.how == wire::scheme::http && !rules_.allow_http) co_return false;
  const bool may_connect = co_await learn_reach();
  if (!may_connect) co_return false;
  const bool answered = co_await head(where);
  if (!answered) co_return false;
  const wire::response& answer = reader_.answer();
  if (answer.status != 200 || answer.content_length != file.identity.size) co_return false;
  file.lease->etag = wire::unquoted(answer.etag);
  file.lease->verified = verification::size;
  if (!wire::etag_is_md5(file.lease->etag, answer.encryption)) co_return true;
  file.lease->verified = verification::md5;
  const std::string ours = co_await digest(file);
  co_return wire::equal_ignoring_case(ours, file.lease->etag);
}

/// Nothing has been presigned yet, so it may be unknown what the API's address allows of its storage's. A connection
/// tells; false: it could not be made. It is kept, since public URLs may be on the same origin.
net::task<bool> adopter::learn_reach() {
  if (allowed_) co_return true;
  auto made = co_await connector_.connect(rules_.api, net::reach::anywhere, doing_);
  if (made.why) co_return false;
  if (!allowed_) allowed_ = made.peer_is_public ? rules_.with_public_api : net::reach::anywhere;
  connection_ = std::move(made.connected);
  origin_ = rules_.api;
  reader_.restart();
  co_return true;
}

net::task<bool> adopter::head(const wire::url& where) {
  bool worth_another = false;
  bool answered = co_await head_once(where, worth_another);
  if (!answered && worth_another && !shut_) answered = co_await head_once(where, worth_another);
  co_return answered;
}

/// `worth_another`: the connection had been used before, and may have ended for that alone.
net::task<bool> adopter::head_once(const wire::url& where, bool& worth_another) {
  if (connection_ && !(origin_ == where.where && connection_->is_open())) connection_.reset();
  worth_another = connection_ != nullptr;
  if (connection_) {
    if (reader_.any_byte()) reader_.next();
  } else {
    origin_ = where.where;
    auto made = co_await connector_.connect(origin_, *allowed_, doing_);
    if (made.why) co_return false;
    connection_ = std::move(made.connected);
    reader_.restart();
  }
  if (shut_) connection_->shut(net::asio::error::operation_aborted); // asked for while the connection was being made
  request_.clear();
  wire::append_head_request(request_, where);
  const net::head_result result = co_await net::head_exchange(*connection_, reader_, request_, doing_);
  if (result.why) connection_.reset();
  if (result.why) co_return false;
  if (!result.reusable) connection_.reset();
  co_return true;
}

/// The MD5 of the file as it is; empty when it cannot be read, or is not the one that was leased any more.
net::task<std::string> adopter::digest(const item& file) {
  body_.digest_md5(digests_);
  const auto opened = body_.open(file.what, file.identity);
  if (opened.status != net::source_status::ok) co_return std::string{};
  doing_.enter(net::stage::sending); // each piece is a move: a long digest is not a silent peer
  std::vector<char> buffer(piece);
  while (body_.left() > 0 && !shut_) {
    std::size_t count = 0;
    if (body_.read(buffer, count) != net::source_status::ok) co_return std::string{};
    if (body_.is_cold()) co_await net::wait_elsewhere(body_.from_disk());
    ++doing_.moves;
    co_await net::asio::post(ex_, net::use_task);
  }
  co_return !shut_ && body_.unchanged() ? body_.md5() : std::string{};
}

} // namespace hoist::engine
