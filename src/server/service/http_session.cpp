#include "server/service/http_session.hpp"

#include <algorithm>
#include <cstring>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "server/base/encoding.hpp"

namespace hoist::server {
namespace {

using namespace std::chrono_literals;
using boost::beast::http::verb;

constexpr auto handshake_timeout = 10s;
constexpr auto head_timeout = 30s; // from the first byte to the last, so that trickling does not help
constexpr auto progress_timeout = 30s;
// After an early refusal the client may have a whole body on its way. It is read and dropped this long, because closing
// over unread bytes resets the connection, and the client would lose the answer.
constexpr http_session::clock::duration linger_time = 5s;
constexpr http_session::clock::duration linger_time_when_stopping = 500ms;
constexpr std::size_t linger_bytes_max = 256UL * 1024 * 1024;

constexpr std::size_t input_bytes = 32 * 1024;
// A head and a presign body: nothing else has to be held whole.
constexpr std::size_t input_bytes_max = head_bytes_max + presign_body_bytes_max;
constexpr std::uint64_t skipped_body_bytes_max = 64 * 1024;
// Beyond this no further request is taken before the answers have left.
constexpr std::size_t output_bytes_max = 512 * 1024;

unix_time wall_clock() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

} // namespace

http_session::http_session(std::shared_ptr<byte_stream> stream, worker& home, port_roles roles)
    : stream_(std::move(stream)), home_(home), roles_(roles), timer_(home.context()), input_(input_bytes) {}

// Results of co_await are named before they are tested, here and below: GCC 12 lays a coroutine's frame out wrongly for
// some conditions that contain one (the first resumption then crashes).
asio::awaitable<void> http_session::run() {
  if (const auto* hit = next_fault(fault_scope::connection)) co_await meet_connection_fault(*hit);
  const bool greeted = co_await handshake();
  if (!greeted) co_return;
  while (open_ && !broken_) {
    co_await read_more();
    co_await take_requests();
    if (open_) co_await send_due();
  }
  co_await send_everything();
  co_await close();
}

asio::awaitable<bool> http_session::handshake() {
  at_rest_ = true; // a stopping server does not wait for handshakes
  deadline_ = clock::now() + handshake_timeout;
  while (open_) {
    const auto result = stream_->try_handshake();
    if (result.state == io_state::done) break;
    const bool waiting = result.state == io_state::want_read || result.state == io_state::want_write;
    if (!waiting || expired_ || home_.draining()) {
      home_.counters().handshakes_failed.add();
      spdlog::info("TLS handshake failed");
      co_return false;
    }
    co_await stream_->wait(result.state);
  }
  deadline_ = clock::time_point::max();
  if (home_.shared().tls && open_) {
    home_.counters().handshakes.add();
    if (stream_->resumed()) home_.counters().handshakes_resumed.add();
  }
  co_return open_;
}

void http_session::check_deadline(clock::time_point now) {
  if (now < deadline_) return;
  expired_ = true;
  stream_->cancel_wait();
}

void http_session::drain() {
  if (!at_rest_) return;
  open_ = false;
  stream_->cancel_wait();
}

// ---- waiting, reading, writing ----

asio::awaitable<bool> http_session::wait(io_state what, clock::duration patience) {
  expired_ = false;
  deadline_ = clock::now() + patience;
  while (!expired_) {
    const bool ready = co_await stream_->wait(what);
    if (ready || (at_rest_ && !open_)) break;
  }
  deadline_ = clock::time_point::max();
  if (expired_) home_.counters().timeouts.add();
  co_return !expired_;
}

// Like the stream's wait, but ends at `until` at the latest.
asio::awaitable<bool> http_session::wait_or_until(io_state what, clock::time_point until) {
  timer_.expires_at(until);
  // The timer's handler may run after this session is gone, so it holds the stream weakly.
  timer_.async_wait([stream = std::weak_ptr(stream_)](boost::system::error_code ec) {
    if (const auto alive = stream.lock(); alive && !ec) alive->cancel_wait();
  });
  const bool ready = co_await stream_->wait(what);
  timer_.cancel();
  co_return ready;
}

asio::awaitable<void> http_session::pause(clock::duration time) {
  boost::system::error_code ignored;
  timer_.expires_after(time);
  co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void http_session::consume(std::size_t bytes) noexcept {
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

void http_session::make_room(std::size_t bytes) {
  if (input_.size() - end_ >= bytes) return;
  if (begin_ > 0) {
    std::memmove(input_.data(), input_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (input_.size() - end_ < bytes) input_.resize(std::min(input_bytes_max + input_bytes, end_ + bytes));
}

// Reads whatever has arrived, up to a full buffer: the more requests are taken at once, the fewer writes answer them.
asio::awaitable<void> http_session::read_more() {
  const auto give_up = clock::now() + (input().empty() ? home_.shared().options.idle_timeout : head_timeout);
  make_room(input_bytes / 2);
  std::size_t fresh = 0;
  while (fresh == 0) {
    at_rest_ = input().empty() && output_.empty();
    if (at_rest_ && home_.draining()) open_ = false;
    if (!open_) break;
    io_result result;
    while (end_ < input_.size()) {
      result = stream_->try_read(std::span(input_).subspan(end_));
      if (result.state != io_state::done) break;
      end_ += result.bytes;
      fresh += result.bytes;
    }
    if (result.state == io_state::closed || result.state == io_state::failed) {
      // What came before the end is still served.
      if (fresh == 0) open_ = false;
      broken_ = broken_ || result.state == io_state::failed;
    } else if (fresh == 0 && !marks_.empty()) {
      co_await wait_or_until(result.state, marks_.front().due);
      co_await send_due();
    } else if (fresh == 0) {
      const bool ready = co_await wait(result.state, give_up - clock::now());
      if (ready) continue;
      open_ = false;
      if (!at_rest_) refuse_input(408, "the request head did not arrive in time");
    }
  }
  at_rest_ = false;
  read_at_ = clock::now();
}

asio::awaitable<void> http_session::send(std::string_view bytes) {
  while (!bytes.empty() && !broken_) {
    const auto result = stream_->try_write(bytes);
    switch (result.state) {
    case io_state::done: bytes.remove_prefix(result.bytes); break;
    case io_state::want_read:
    case io_state::want_write: broken_ = !co_await wait(result.state, progress_timeout); break;
    default: broken_ = true;
    }
  }
}

std::size_t http_session::due_bytes(clock::time_point now) const {
  if (marks_.empty()) return output_.size();
  std::size_t due = 0;
  for (const auto& each : marks_) {
    if (each.due > now) break;
    due = each.end;
  }
  return due;
}

asio::awaitable<void> http_session::send_due() {
  const auto count = due_bytes(clock::now());
  if (count == 0) co_return;
  co_await send(std::string_view(output_).substr(0, count));
  output_.erase(0, count);
  while (!marks_.empty() && marks_.front().end <= count) marks_.pop_front();
  for (auto& each : marks_) each.end -= count;
}

asio::awaitable<void> http_session::send_everything() {
  while (!output_.empty() && !broken_) {
    co_await send_due();
    if (!marks_.empty()) co_await pause(marks_.front().due - clock::now());
  }
}

asio::awaitable<void> http_session::close() {
  if (broken_) co_return;
  stream_->finish_writing();
  const auto give_up = clock::now() + (home_.draining() ? linger_time_when_stopping : linger_time);
  std::size_t drained = 0;
  while (linger_ && drained < linger_bytes_max && clock::now() < give_up) {
    const auto result = stream_->try_drain(home_.scratch());
    drained += result.bytes;
    if (result.state == io_state::closed || result.state == io_state::failed) break;
    if (result.state != io_state::want_read) continue;
    const bool more = co_await wait(result.state, give_up - clock::now());
    if (!more) break;
  }
}

// ---- requests ----

asio::awaitable<void> http_session::take_requests() {
  now_ = wall_clock() + home_.shared().faults->clock_offset();
  while (open_ && !broken_ && !input().empty()) {
    switch (parse_head(input(), head_)) {
    case head_state::incomplete: co_return;
    case head_state::malformed: refuse_input(400, "malformed request"); co_return;
    case head_state::too_large: refuse_input(431, "request head too large"); co_return;
    case head_state::complete: break;
    }
    const bool taken = co_await take_request();
    if (!taken) co_return;
    continued_ = false;
    if (output_.size() > output_bytes_max) co_await send_everything();
  }
}

asio::awaitable<bool> http_session::take_request() {
  if (!head_.has("host")) {
    co_await answer_and_skip_body(json_refusal(400, "Host is required"));
    co_return true;
  }
  const auto where = route_of(head_.path, roles_);
  if (where.place == endpoint::presign) {
    const bool taken = co_await take_presign();
    if (!taken) co_return false;
    home_.counters().requests[static_cast<std::size_t>(where.place)].add();
    co_return true;
  }
  home_.counters().requests[static_cast<std::size_t>(where.place)].add();
  switch (where.place) {
  case endpoint::bucket: co_await take_bucket_request(); break;
  case endpoint::public_file: co_await take_public_file(where.rest); break;
  case endpoint::file: co_await take_delete(where.rest); break;
  case endpoint::account: co_await send_account(); break;
  case endpoint::health: {
    reply answer;
    answer.start(200, "text/plain");
    answer.body = "ok";
    co_await answer_and_skip_body(std::move(answer));
    break;
  }
  case endpoint::metrics: {
    reply answer;
    answer.start(200, "text/plain; version=0.0.4");
    answer.body = home_.shared().counted.text();
    co_await answer_and_skip_body(std::move(answer));
    break;
  }
  default: co_await answer_and_skip_body(json_refusal(404, "not found"));
  }
  co_return true;
}

void http_session::queue(const reply& answer, delay held, std::optional<std::uint64_t> length_of_other_body) {
  ++answered_;
  const auto requests_max = home_.shared().options.requests_max;
  const bool last = !head_.keep_alive || home_.draining() || (requests_max != 0 && answered_ >= requests_max);
  if (last) open_ = false;
  linger_ = linger_ || last;
  if (head_.method == verb::head && !length_of_other_body) length_of_other_body = answer.body.size();
  append_reply(output_, answer, {date_omitted_ ? "" : home_.http_date(now_), !open_, length_of_other_body});
  // An answer never overtakes an earlier one, so it is due no sooner than that.
  if (held > delay{0} || !marks_.empty()) {
    const auto due = read_at_ + held;
    marks_.push_back({output_.size(), marks_.empty() ? due : std::max(due, marks_.back().due)});
  }
  log_answer(answer);
}

void http_session::log_answer(const reply& answer) const {
  if (answer.status >= 400) {
    spdlog::info("refused: {} {} {} {} {}", printable(head_.method_text, 20), printable(head_.path), answer.status,
                 answer.code, answer.code.empty() ? printable(answer.body) : std::string());
  } else if (spdlog::should_log(spdlog::level::debug)) {
    spdlog::debug("answered: {} {} {}", printable(head_.method_text, 20), printable(head_.path), answer.status);
  }
}

asio::awaitable<void> http_session::answer_and_skip_body(reply answer, delay held) {
  const auto body = head_.body_bytes();
  const auto at_hand = static_cast<std::size_t>(std::min<std::uint64_t>(body, input().size() - head_.bytes));
  const auto missing = body - at_hand;
  // A client that asked first may send the body or not: the connection's framing is lost either way.
  const bool lost = head_.chunked || (head_.expects_continue && missing > 0 && !continued_);
  if (lost || missing > skipped_body_bytes_max) {
    open_ = false;
    linger_ = true;
  }
  queue(answer, held);
  consume(head_.bytes + at_hand);
  if (!open_ || missing == 0) co_return;
  co_await send_everything();
  co_await skip_body(missing);
}

asio::awaitable<void> http_session::skip_body(std::uint64_t bytes) {
  while (bytes > 0 && open_ && !broken_) {
    const auto room = home_.scratch();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, room.size()));
    const auto result = stream_->try_read(room.first(wanted));
    bytes -= result.bytes;
    if (result.state == io_state::want_read || result.state == io_state::want_write) {
      open_ = co_await wait(result.state, progress_timeout);
    } else if (result.state != io_state::done) {
      open_ = false;
    }
  }
}

// What is no HTTP cannot be answered in its own framing: say so once and end.
void http_session::refuse_input(unsigned status, std::string_view message) {
  open_ = false;
  linger_ = true;
  head_.method = verb::unknown;
  head_.method_text = head_.path = {};
  queue(json_refusal(status, message));
  consume(end_ - begin_);
}

} // namespace hoist::server
