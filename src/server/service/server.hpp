// The whole server: state folder, identity, listening ports, threads, sweeping, stopping.
#pragma once

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/signal_set.hpp>

#include "server/service/worker.hpp"
#include "server/storage/state_folder.hpp"

namespace hoist::server {

class server {
 public:
  // Makes or loads the state and binds the ports. Throws std::runtime_error with one line that says what to do.
  explicit server(server_options options);
  server(const server&) = delete;
  server& operator=(const server&) = delete;
  ~server() = default;

  // The line that tells scripts where everything is.
  [[nodiscard]] std::string listening_line() const;
  // Serves until SIGTERM or SIGINT: then no new connections, what is in flight may end (5 s), and it returns.
  void run();

 private:
  struct listener {
    asio::ip::tcp::acceptor acceptor;
    port_roles roles;
  };

  void listen();
  listener bound(std::uint16_t port, port_roles roles);
  [[nodiscard]] std::string origin_of(const listener& port) const;
  [[nodiscard]] asio::awaitable<void> accept_from(listener& port);
  [[nodiscard]] asio::awaitable<void> sweep();
  [[nodiscard]] asio::awaitable<void> await_signals();
  void begin_drain();

  state_folder state_; // first: a temporary one is removed when whatever has files in it has ended
  server_context shared_;
  asio::io_context control_{1};
  asio::signal_set signals_{control_, SIGTERM, SIGINT};
  asio::steady_timer sweep_timer_{control_};
  asio::steady_timer drain_timer_{control_};
  std::vector<listener> listeners_;
  std::vector<std::unique_ptr<worker>> workers_;
  std::vector<std::thread> threads_;
  std::size_t next_worker_ = 0;
  std::size_t threads_running_ = 0;
  bool stopping_ = false;
};

} // namespace hoist::server
