#include "net/api_channel.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cstring>

namespace hoist::net {

using loss = core::pipeline::loss;

namespace {

loss loss_of(const failure& why) noexcept {
  switch (why.kind) {
  case failure_kind::closed: return loss::closed;
  case failure_kind::timed_out: return loss::silent;
  case failure_kind::broken:
  case failure_kind::bad_response: return loss::garbled;
  default: return loss::ours;
  }
}

} // namespace

api_channel::api_channel(connect_context context, const wire::origin& api, core::pipeline& depths,
                         api_listener& listener)
    : connector_(context), ex_(context.ex), api_(api), depths_(depths), listener_(listener), asleep_(context.ex) {
  asleep_.expires_at(timer::time_point::max());
}

void api_channel::enqueue(core::file_id f) {
  waiting_.push_back({f, {}, false});
  ++line_.asked;
  ++unsent_requests_;
  if (connection_ && doing_.at == stage::idle) doing_.enter(stage::awaiting); // it is not idle any more, as of now
}

void api_channel::forget(core::file_id f) noexcept {
  for (std::size_t i = 0; i < waiting_.size(); ++i)
    if (waiting_[i].file == f) waiting_[i].forgotten = true;
}

void api_channel::flush() {
  if (connection_)
    connection_->wake();
  else
    asleep_.cancel();
}

task<void> api_channel::run() {
  while (!stopping_) {
    if (!connection_ && waiting_.empty()) {
      co_await sleep();
      continue;
    }
    if (!connection_) co_await connect();
    if (connection_) write();
    if (!connection_) continue;
    settle_stage();
    const auto what = connection_->unsent() ? interest::anything : interest::read_or_wake;
    co_await connection_->wait(what);
    read(); // asks the kernel only if it was readability that ended the wait
  }
}

void api_channel::stop() {
  stopping_ = true;
  shut(asio::error::operation_aborted);
  asleep_.cancel();
}

void api_channel::shut(error_code why) {
  ending_ = connection_ != nullptr || connecting_;
  connector_.shut(why);
  if (connection_) connection_->shut(why);
}

task<void> api_channel::sleep() {
  doing_.enter(stage::idle);
  error_code woken;
  co_await asleep_.async_wait(asio::redirect_error(use_task, woken));
}

task<void> api_channel::connect() {
  connecting_ = true;
  auto result = co_await connector_.connect(api_, reach::anywhere, doing_);
  connecting_ = false;
  if (result.why) {
    lose(result.why, loss::ours);
    co_return;
  }
  ending_ = false; // it stood before it was to be shut
  connection_ = std::move(result.connected);
  reader_.restart();
  listener_.presign_connected(result.peer_is_public);
}

void api_channel::write() {
  error_code ec;
  if (connection_->unsent()) connection_->send_more(ec);
  while (!ec && !outbox_.empty()) {
    const auto room = connection_->room();
    const std::size_t n = std::min(room.size(), outbox_.size());
    std::memcpy(room.data(), outbox_.data(), n);
    outbox_.erase(0, n);
    connection_->send(n, ec);
    ++doing_.moves;
  }
  if (outbox_.empty()) {
    const auto now = std::chrono::steady_clock::now();
    for (; unsent_requests_ > 0; --unsent_requests_) waiting_[waiting_.size() - unsent_requests_].sent = now;
  }
  if (ec && ec != asio::error::would_block) {
    // What the peer said before it closed is still worth reading: it may have answered some.
    read();
    if (connection_) lose({failure_kind::closed, "the connection broke while sending: " + ec.message()}, loss::closed);
  }
}

void api_channel::read() {
  for (;;) {
    failure why;
    const auto state = reader_.pull(*connection_, why);
    if (state == answer_reader::progress::waiting) return;
    if (state == answer_reader::progress::broken) return lose(why, loss_of(why));
    // Such as the 408 of a peer that closes an idle connection. Those in the outbox have not even been asked.
    if (waiting_.size() <= unsent_requests_)
      return lose({failure_kind::bad_response, "an answer came that nobody asked for"}, loss::announced);
    ++doing_.moves;
    const request first = waiting_.pop_front();
    const bool goes_on = reader_.answer().keep_alive;
    depths_.answered(line_, first.sent, std::chrono::steady_clock::now(), goes_on);
    if (!first.forgotten) listener_.presign_answered(first.file, reader_.answer(), first.sent, goes_on);
    if (!goes_on) return lose({failure_kind::closed, "the connection was closed after an answer"}, loss::announced);
    reader_.next();
  }
}

void api_channel::lose(const failure& why, loss how) {
  const bool fresh = line_.answered == 0;
  depths_.lost(line_, how);
  const bool stood = connection_ != nullptr;
  if (stood) {
    connection_.reset();
    listener_.presign_disconnected();
  }
  outbox_.clear();
  unsent_requests_ = 0;
  line_ = {};
  ending_ = false;
  const failure behind{failure_kind::unserved, "the connection ended before its turn: " + why.text};
  // The listener may enqueue again at once: only what was here before is lost.
  const std::size_t all = waiting_.size();
  for (std::size_t i = 0; i < all; ++i) {
    const request lost = waiting_.pop_front();
    // One connection that could not be made is one failure, however many requests were to go over it.
    const bool had_its_turn = (how == loss::ours && stood) || (i == 0 && how != loss::announced);
    if (!lost.forgotten) listener_.presign_broke(lost.file, had_its_turn ? why : behind, fresh);
  }
}

void api_channel::settle_stage() noexcept {
  const stage now = waiting_.empty() ? stage::idle : stage::awaiting;
  if (doing_.at != now) doing_.enter(now);
}

} // namespace hoist::net
