#pragma once

// The other end of a connection, played by a script on a thread of its own: blocking calls over a real loopback socket,
// with or without TLS. A watchdog of a minute ends every blocking call, so that a test that waits for nothing fails.

#include "tls_identity.hpp"

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace hoist::test {

/// One accepted connection, as its script sees it.
class peer_connection {
 public:
  explicit peer_connection(int descriptor);
  ~peer_connection();
  peer_connection(const peer_connection&) = delete;
  peer_connection& operator=(const peer_connection&) = delete;

  /// Speaks TLS from now on; false when the handshake failed.
  bool start_tls(SSL_CTX* context);
  /// The same with TLS 1.3, and `first` arrives together with the server's last message of the handshake.
  bool start_tls_and_write(SSL_CTX* context, std::string_view first);
  SSL* ssl() noexcept { return ssl_.get(); }

  /// What comes, at most `most` bytes; empty at the end or after an error.
  std::string read_some(std::size_t most = 64 * 1024);
  /// `n` bytes, or fewer at the end.
  std::string read_exactly(std::size_t n);
  /// Up to and including `mark`. What came behind it is kept for the next read.
  std::string read_until(std::string_view mark);
  /// A whole HTTP request with a Content-Length; empty at the end.
  std::string read_request();
  /// Until the client closes; the number of bytes.
  std::uint64_t drain();
  /// False when the client is gone.
  bool write(std::string_view bytes);

  void close_notify();
  void end_writing();
  void close();
  void reset(); ///< closes with RST

  int descriptor() const noexcept { return descriptor_; }

 private:
  std::string receive(std::size_t most);

  int descriptor_;
  std::unique_ptr<SSL, ssl_free> ssl_;
  std::string kept_;
};

/// Listens on a free port of 127.0.0.1 and plays `script` for each connection, one after another. The destructor stops
/// listening and joins; an exception of the script is then a failure of the test.
class fake_peer {
 public:
  using script = std::function<void(peer_connection&)>;

  explicit fake_peer(script play, int receive_buffer = 0);
  /// Speaks TLS before the script begins; connections that fail to are dropped.
  fake_peer(const tls_identity& as, script play, int receive_buffer = 0);
  ~fake_peer();
  fake_peer(const fake_peer&) = delete;
  fake_peer& operator=(const fake_peer&) = delete;

  std::uint16_t port() const noexcept { return port_; }
  /// Connections accepted so far; exact after `stop`.
  int accepted() const noexcept { return accepted_; }
  void stop();

 private:
  void serve();

  script play_;
  std::unique_ptr<SSL_CTX, ssl_free> context_;
  int listener_ = -1;
  int stop_pipe_[2] = {-1, -1};
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::thread thread_;
};

/// "HTTP/1.1 <status line>", headers, and a body with its length.
std::string http_answer(std::string_view status, std::string_view body = {}, std::string_view headers = {});

/// A loopback port at which nobody listens: held by a socket that is bound and not listening.
class refused_port {
 public:
  refused_port();
  ~refused_port();
  refused_port(const refused_port&) = delete;
  refused_port& operator=(const refused_port&) = delete;
  std::uint16_t port() const noexcept { return port_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
};

} // namespace hoist::test
