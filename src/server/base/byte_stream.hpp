// A connection's bytes, with or without TLS, behind one non-blocking interface.
//
// OpenSSL is given the socket itself: one read of the socket fetches many TLS records, and nothing is copied through a
// pair of memory buffers. Each try_ call does what is possible now; only `want_read` and `want_write` are worth waiting
// for, and wait() must not be called after anything else (with TLS, decrypted or buffered bytes may be left, which the
// socket would never report).
#pragma once

#include <memory>
#include <span>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <openssl/ssl.h>

namespace hoist::server {

namespace asio = boost::asio;

enum class io_state { done, want_read, want_write, closed, failed };
struct io_result {
  io_state state = io_state::done;
  std::size_t bytes = 0;
};

class byte_stream {
 public:
  explicit byte_stream(asio::ip::tcp::socket socket);
  byte_stream(const byte_stream&) = delete;
  byte_stream& operator=(const byte_stream&) = delete;
  virtual ~byte_stream() = default;

  [[nodiscard]] virtual io_result try_handshake() = 0;
  [[nodiscard]] virtual io_result try_read(std::span<char> into) = 0;
  [[nodiscard]] virtual io_result try_write(std::span<const char> bytes) = 0;
  // Says that no more will be written. What the peer still sends can be read and thrown away with try_drain().
  virtual void finish_writing() = 0;
  [[nodiscard]] virtual bool resumed() const { return false; }

  [[nodiscard]] io_result try_drain(std::span<char> scratch);
  // False when the wait was cut short by cancel_wait().
  [[nodiscard]] asio::awaitable<bool> wait(io_state what);
  void cancel_wait();
  void reset(); // the peer gets a RST, and nothing that was still queued
  [[nodiscard]] asio::ip::tcp::socket& socket() noexcept { return socket_; }

 protected:
  asio::ip::tcp::socket socket_;
};

[[nodiscard]] std::unique_ptr<byte_stream> make_plain_stream(asio::ip::tcp::socket socket);
[[nodiscard]] std::unique_ptr<byte_stream> make_tls_stream(asio::ip::tcp::socket socket, SSL_CTX* context);

} // namespace hoist::server
