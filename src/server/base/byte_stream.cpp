#include "server/base/byte_stream.hpp"

#include <cerrno>
#include <new>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>
#include <sys/socket.h>

namespace hoist::server {
namespace {

io_result from_errno() {
  switch (errno) {
  case EINTR: return {io_state::done, 0};
  case EAGAIN: return {io_state::want_read, 0};
  case EPIPE:
  case ECONNRESET: return {io_state::closed, 0};
  default: return {io_state::failed, 0};
  }
}

class plain_stream final : public byte_stream {
 public:
  using byte_stream::byte_stream;

  io_result try_handshake() override { return {}; }

  io_result try_read(std::span<char> into) override {
    const auto count = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (count > 0) return {io_state::done, static_cast<std::size_t>(count)};
    return count == 0 ? io_result{io_state::closed, 0} : from_errno();
  }

  io_result try_write(std::span<const char> bytes) override {
    const auto count = ::send(socket_.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return {io_state::done, static_cast<std::size_t>(count)};
    const auto result = from_errno();
    return result.state == io_state::want_read ? io_result{io_state::want_write, 0} : result;
  }

  void finish_writing() override { ::shutdown(socket_.native_handle(), SHUT_WR); }
};

class tls_stream final : public byte_stream {
 public:
  tls_stream(asio::ip::tcp::socket socket, SSL_CTX* context) : byte_stream(std::move(socket)), ssl_(SSL_new(context)) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), static_cast<int>(socket_.native_handle())) != 1) throw std::bad_alloc();
    SSL_set_accept_state(ssl_.get());
  }

  io_result try_handshake() override {
    ERR_clear_error();
    return result_of(SSL_do_handshake(ssl_.get()), 0);
  }

  io_result try_read(std::span<char> into) override {
    ERR_clear_error();
    std::size_t count = 0;
    const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    return result_of(outcome, count);
  }

  io_result try_write(std::span<const char> bytes) override {
    ERR_clear_error();
    std::size_t count = 0;
    const int outcome = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return result_of(outcome, count);
  }

  void finish_writing() override {
    ERR_clear_error();
    if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
    ::shutdown(socket_.native_handle(), SHUT_WR);
  }

  bool resumed() const override { return SSL_session_reused(ssl_.get()) == 1; }

 private:
  struct free_ssl {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  io_result result_of(int outcome, std::size_t count) {
    if (outcome == 1) return {io_state::done, count};
    switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ: return {io_state::want_read, 0};
    case SSL_ERROR_WANT_WRITE: return {io_state::want_write, 0};
    case SSL_ERROR_ZERO_RETURN: return {io_state::closed, 0};
    default: break;
    }
    const bool cut = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
    return {cut || errno == ECONNRESET || errno == EPIPE ? io_state::closed : io_state::failed, 0};
  }

  std::unique_ptr<SSL, free_ssl> ssl_;
};

} // namespace

byte_stream::byte_stream(asio::ip::tcp::socket socket) : socket_(std::move(socket)) {
  boost::system::error_code ignored;
  socket_.non_blocking(true, ignored);
  // Answers are written whole; holding one back for an acknowledgement only adds latency.
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

// Below TLS on purpose: nobody looks at these bytes, so nobody decrypts them.
io_result byte_stream::try_drain(std::span<char> scratch) {
  const auto count = ::recv(socket_.native_handle(), scratch.data(), scratch.size(), MSG_TRUNC);
  if (count > 0) return {io_state::done, static_cast<std::size_t>(count)};
  return count == 0 ? io_result{io_state::closed, 0} : from_errno();
}

asio::awaitable<bool> byte_stream::wait(io_state what) {
  boost::system::error_code ec;
  const auto kind = what == io_state::want_write ? asio::socket_base::wait_write : asio::socket_base::wait_read;
  co_await socket_.async_wait(kind, asio::redirect_error(asio::use_awaitable, ec));
  co_return !ec;
}

void byte_stream::cancel_wait() {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void byte_stream::reset() {
  boost::system::error_code ignored;
  socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  socket_.close(ignored);
}

std::unique_ptr<byte_stream> make_plain_stream(asio::ip::tcp::socket socket) {
  return std::make_unique<plain_stream>(std::move(socket));
}

std::unique_ptr<byte_stream> make_tls_stream(asio::ip::tcp::socket socket, SSL_CTX* context) {
  return std::make_unique<tls_stream>(std::move(socket), context);
}

} // namespace hoist::server
