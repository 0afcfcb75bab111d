#include "fake_peer.hpp"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <arpa/inet.h>
#include <csignal>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace hoist::test {

namespace {

constexpr timeval watchdog{60, 0};

int bound_socket(std::uint16_t& port) {
  const int s = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (s < 0 || ::bind(s, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
      ::getsockname(s, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    throw std::runtime_error("cannot bind a loopback port");
  port = ntohs(at.sin_port);
  return s;
}

} // namespace

peer_connection::peer_connection(int descriptor) : descriptor_(descriptor) {
  ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &watchdog, sizeof watchdog);
  ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &watchdog, sizeof watchdog);
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

peer_connection::~peer_connection() {
  close();
}

bool peer_connection::start_tls(SSL_CTX* context) {
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), descriptor_);
  ERR_clear_error();
  return SSL_accept(ssl_.get()) == 1;
}

bool peer_connection::start_tls_and_write(SSL_CTX* context, std::string_view first) {
  ssl_.reset(SSL_new(context));
  SSL_set_fd(ssl_.get(), descriptor_);
  ERR_clear_error();
  const auto hold_back = [this](int whether) {
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_CORK, &whether, sizeof whether);
  };
  hold_back(1);
  // OpenSSL's way to let a server write before it has heard the client's last message.
  std::size_t n = 0;
  char none = 0;
  if (SSL_read_early_data(ssl_.get(), &none, sizeof none, &n) != SSL_READ_EARLY_DATA_FINISH) return false;
  if (SSL_write_early_data(ssl_.get(), first.data(), first.size(), &n) != 1) return false;
  hold_back(0);
  return SSL_accept(ssl_.get()) == 1;
}

std::string peer_connection::receive(std::size_t most) {
  std::string out(most, '\0');
  ERR_clear_error();
  const long n = ssl_ ? SSL_read(ssl_.get(), out.data(), static_cast<int>(most))
                      : static_cast<long>(::recv(descriptor_, out.data(), most, 0));
  out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return out;
}

std::string peer_connection::read_some(std::size_t most) {
  if (kept_.empty()) return receive(most);
  std::string out = kept_.substr(0, most);
  kept_.erase(0, out.size());
  return out;
}

std::string peer_connection::read_exactly(std::size_t n) {
  std::string out;
  while (out.size() < n) {
    const std::string more = read_some(std::min<std::size_t>(n - out.size(), 64 * 1024));
    if (more.empty()) break;
    out += more;
  }
  return out;
}

std::string peer_connection::read_until(std::string_view mark) {
  std::string out;
  for (;;) {
    if (const auto at = out.find(mark); at != std::string::npos) {
      kept_.insert(0, out.substr(at + mark.size()));
      out.resize(at + mark.size());
      return out;
    }
    const std::string more = read_some();
    if (more.empty()) return out;
    out += more;
  }
}

std::string peer_connection::read_request() {
  std::string head = read_until("\r\n\r\n");
  const auto at = head.find("Content-Length: ");
  if (at == std::string::npos) return head;
  return head + read_exactly(std::strtoull(head.c_str() + at + 16, nullptr, 10));
}

std::uint64_t peer_connection::drain() {
  std::uint64_t total = 0;
  for (;;) {
    const std::size_t n = read_some().size();
    if (n == 0) return total;
    total += n;
  }
}

bool peer_connection::write(std::string_view bytes) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const long n = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                        : static_cast<long>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

void peer_connection::close_notify() {
  SSL_shutdown(ssl_.get());
}
void peer_connection::end_writing() {
  ::shutdown(descriptor_, SHUT_WR);
}

void peer_connection::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void peer_connection::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

fake_peer::fake_peer(script play, int receive_buffer) : play_(std::move(play)) {
  std::signal(SIGPIPE, SIG_IGN); // OpenSSL's own writes would raise it
  listener_ = bound_socket(port_);
  if (receive_buffer > 0) ::setsockopt(listener_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  if (::listen(listener_, 64) != 0 || ::pipe(stop_pipe_) != 0) throw std::runtime_error("cannot listen");
  thread_ = std::thread([this] { serve(); });
}

fake_peer::fake_peer(const tls_identity& as, script play, int receive_buffer)
    : fake_peer(
          [shared = std::shared_ptr<SSL_CTX>(as.server_context().release(), ssl_free{}),
           inner = std::move(play)](peer_connection& c) {
            if (c.start_tls(shared.get())) inner(c);
          },
          receive_buffer) {}

fake_peer::~fake_peer() {
  stop();
}

void fake_peer::stop() {
  if (!thread_.joinable()) return;
  if (::write(stop_pipe_[1], "x", 1) != 1) std::abort();
  thread_.join();
  for (const int d : {listener_, stop_pipe_[0], stop_pipe_[1]}) ::close(d);
}

void fake_peer::serve() {
  for (;;) {
    pollfd ready[2] = {{listener_, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    ::poll(ready, 2, -1);
    if ((ready[0].revents & POLLIN) != 0) {
      const int d = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (d < 0) continue;
      ++accepted_;
      peer_connection c(d);
      try {
        play_(c);
      } catch (const std::exception& e) {
        ADD_FAILURE() << "the fake peer's script threw: " << e.what();
      }
    } else if ((ready[1].revents & POLLIN) != 0) {
      return;
    }
  }
}

std::string http_answer(std::string_view status, std::string_view body, std::string_view headers) {
  std::string out = "HTTP/1.1 ";
  out.append(status).append("\r\n").append(headers);
  return out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n").append(body);
}

refused_port::refused_port() : descriptor_(bound_socket(port_)) {}
refused_port::~refused_port() {
  ::close(descriptor_);
}

} // namespace hoist::test
