#include "net/stream.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace hoist::net {

namespace {

bool wants(interest what, interest bit) noexcept {
  return (static_cast<unsigned>(what) & static_cast<unsigned>(bit)) != 0;
}

/// Ciphertext that is no data: tickets, key updates. A peer that sends nothing else would keep us opening it for ever.
constexpr std::size_t unopened_max = 64 * 1024;
/// So many pieces of a handshake count as progress; more are a peer that drips.
constexpr int flights_counted = 8;

} // namespace

/// The one waiter, and which of the reactor's waits are out. A wait that is out stays out over several `wait` calls, so
/// that waiting for "readable or writable" again and again cancels nothing.
struct stream::waiting {
  bool reading = false, writing = false; ///< a wait is with the reactor
  bool readable = false, writable = false, woken = false;
  interest wanted = interest::wake;
  using handler = asio::async_result<asio::use_awaitable_t<executor>, void()>::handler_type;
  std::optional<handler> waiter; ///< its own type, so that waiting allocates nothing for it

  bool satisfied() const noexcept {
    return (readable && wants(wanted, interest::read)) || (writable && wants(wanted, interest::write)) ||
           (woken && wants(wanted, interest::wake));
  }

  void resume_if_satisfied(const executor& ex) {
    if (!waiter || !satisfied()) return;
    handler next = std::move(*waiter);
    waiter.reset();
    asio::post(ex, std::move(next));
  }
};

stream::stream(tcp_socket socket, buffer_pool& pool, stream_tallies& tallies)
    : socket_(std::move(socket))
    , ex_(socket_.get_executor())
    , pool_(pool)
    , tallies_(tallies)
    , waiting_(std::make_shared<waiting>()) {
  error_code ignored; // fails only for a socket that is closed already, which the first send will tell
  socket_.non_blocking(true, ignored);
  socket_.native_non_blocking(true, ignored);
}

stream::~stream() {
  give_back_block();
}

// ---- TLS --------------------------------------------------------------------------------------------------------

task<failure> stream::handshake(const tls_context& context, const std::string& host, activity& doing, sealing by) {
  doing.enter(stage::handshaking);
  tls_.emplace(context, host);
  if (by == sealing::in_kernel) tls_->offer_kernel(socket_.native_handle());
  for (int flights = 0;;) {
    block_ = pool_.borrow();
    tls_->set_output({block_.get(), block_bytes});
    const auto status = tls_->handshake();
    const failure refused = status == tls_engine::status::failed ? tls_->handshake_failure() : failure{};
    pending_begin_ = 0;
    pending_end_ = tls_->take_output(); // an alert, if it failed: the peer is told
    if (!unsent()) give_back_block();
    error_code ec = co_await flush();
    if (refused) co_return refused;
    if (ec) co_return failure{failure_kind::handshake, "connection lost during the TLS handshake: " + ec.message()};
    if (status == tls_engine::status::ok) co_return failure{};
    if (status == tls_engine::status::want_room) {
      co_await wait(interest::write);
      continue;
    }

    const auto incoming = pool_.incoming();
    std::size_t n = receive_some(incoming, ec);
    while (ec == asio::error::would_block) {
      co_await wait(interest::read);
      n = receive_some(incoming, ec);
    }
    if (ec) co_return failure{failure_kind::handshake, "connection lost during the TLS handshake: " + ec.message()};
    if (flights++ < flights_counted) ++doing.moves;
    tls_->feed(incoming.first(n));
    // What the handshake does not consume at once must survive our waiting for the peer.
    tls_->hold_input();
  }
}

// ---- sending ----------------------------------------------------------------------------------------------------

std::span<char> stream::room() {
  if (sealed_here()) return pool_.plaintext();
  if (!block_) block_ = pool_.borrow();
  return {block_.get(), batch_bytes + head_bytes_max};
}

void stream::send(std::size_t n, error_code& ec) {
  ++tallies_.batches;
  pending_begin_ = 0;
  pending_end_ = n;
  if (sealed_here()) {
    block_ = pool_.borrow();
    tls_->set_output({block_.get(), block_bytes});
    const auto status = tls_->seal(pool_.plaintext().first(n));
    pending_end_ = tls_->take_output();
    if (status != tls_engine::status::ok) {
      ec = asio::error::connection_aborted;
      give_back_block();
      return;
    }
  }
  send_more(ec);
}

/// A connection whose keys the peer wants changed while the kernel has them is as good as lost for sending; what the
/// peer says can still be read.
error_code stream::unfit_to_send() const noexcept {
  if (shut_) return shut_;
  if (tls_ && tls_->sending_is_over()) return asio::error::connection_aborted;
  return {};
}

void stream::send_more(error_code& ec) {
  ec = unfit_to_send();
  while (!ec && unsent()) {
    ++tallies_.sends;
    const auto n =
        ::send(socket_.native_handle(), block_.get() + pending_begin_, pending_end_ - pending_begin_, MSG_NOSIGNAL);
    if (n >= 0)
      pending_begin_ += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      ec = system_error(errno);
  }
  if (ec == asio::error::would_block) {
    waiting_->writable = false;
    return;
  }
  if (ec) drained_ = false; // what the peer said before the connection broke may be there without our having waited
  give_back_block();
}

std::size_t stream::send_file(file_source& body, std::size_t most, source_status& what, error_code& ec) {
  std::size_t taken = 0;
  ec = unfit_to_send();
  while (!ec && taken < most && body.left() > 0 && body.sendable() && !body.is_cold() && what == source_status::ok) {
    ++tallies_.sends;
    ++tallies_.sendfiles;
    std::size_t n = 0;
    what = body.send_to(socket_.native_handle(), most - taken, n, ec);
    taken += n;
  }
  if (ec == asio::error::would_block)
    waiting_->writable = false;
  else if (ec)
    drained_ = false; // as after a failed send
  return taken;
}

task<error_code> stream::flush() {
  error_code ec;
  send_more(ec);
  while (ec == asio::error::would_block) {
    co_await wait(interest::write);
    send_more(ec);
  }
  co_return ec;
}

void stream::give_back_block() {
  if (block_) pool_.give_back(std::move(block_));
  pending_begin_ = pending_end_ = 0;
}

// ---- receiving --------------------------------------------------------------------------------------------------

std::size_t stream::receive(std::span<char> out, error_code& ec) {
  return tls_ ? receive_tls(out, ec) : receive_some(out, ec);
}

std::size_t stream::receive_tls(std::span<char> out, error_code& ec) {
  for (;;) {
    if (unopened_ > unopened_max) {
      ec = asio::error::connection_aborted;
      return 0;
    }
    std::size_t n = 0;
    switch (tls_->needs_input() ? tls_engine::status::want_input : tls_->open(out, n)) {
    case tls_engine::status::ok:
      tls_->hold_input();
      unopened_ = 0;
      ec = {};
      return n;
    case tls_engine::status::closed: ec = asio::error::eof; return 0;
    case tls_engine::status::failed:
    case tls_engine::status::want_room: ec = asio::error::connection_aborted; return 0;
    case tls_engine::status::want_input: break;
    }
    const auto incoming = pool_.incoming();
    const std::size_t arrived = receive_some(incoming, ec);
    if (ec == asio::error::eof) ec = asio::ssl::error::stream_truncated; // TLS has not said that it was the end
    if (ec) return 0;
    unopened_ += arrived;
    tls_->feed(incoming.first(arrived));
  }
}

std::size_t stream::receive_some(std::span<char> into, error_code& ec) {
  for (;;) {
    if (shut_) {
      ec = shut_;
      return 0;
    }
    if (drained_) {
      ec = asio::error::would_block;
      return 0;
    }
    const auto n = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (n > 0) {
      ec = {};
      drained_ = static_cast<std::size_t>(n) < into.size();
      return static_cast<std::size_t>(n);
    }
    if (n < 0 && errno == EINTR) continue;
    ec = n == 0 ? error_code(asio::error::eof) : system_error(errno);
    drained_ = ec == asio::error::would_block;
    return 0;
  }
}

// ---- waiting ----------------------------------------------------------------------------------------------------

task<void> stream::wait(interest what) {
  waiting& w = *waiting_;
  w.wanted = what;
  if (shut_) co_return;
  if (wants(what, interest::read) && !w.reading && !w.readable) {
    w.reading = true;
    socket_.async_wait(tcp_socket::wait_read, [state = waiting_, ex = ex_](error_code) {
      state->reading = false;
      state->readable = true;
      state->resume_if_satisfied(ex);
    });
  }
  if (wants(what, interest::write) && !w.writing && !w.writable) {
    w.writing = true;
    socket_.async_wait(tcp_socket::wait_write, [state = waiting_, ex = ex_](error_code) {
      state->writing = false;
      state->writable = true;
      state->resume_if_satisfied(ex);
    });
  }
  if (!w.satisfied()) {
    // A named object: GCC 12 may destroy a temporary inside a co_await expression twice.
    auto store_handler = [&w](auto handler) { w.waiter.emplace(std::move(handler)); };
    co_await asio::async_initiate<const asio::use_awaitable_t<executor>&, void()>(store_handler, use_task);
  }
  // Consumed here, set again by the next event: whoever waits tries first.
  if (wants(what, interest::read) && std::exchange(w.readable, false)) drained_ = false;
  if (wants(what, interest::write)) w.writable = false;
  if (wants(what, interest::wake)) w.woken = false;
}

void stream::wake() {
  waiting_->woken = true;
  waiting_->resume_if_satisfied(ex_);
}

void stream::shut(error_code why) {
  if (shut_) return;
  shut_ = why;
  error_code ignored; // closing cannot fail in a way that matters: the descriptor is gone either way
  socket_.close(ignored);
  waiting_->readable = waiting_->writable = waiting_->woken = true;
  waiting_->resume_if_satisfied(ex_);
}

} // namespace hoist::net
