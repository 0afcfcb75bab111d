#pragma once

// What a thread of the engine has for connecting, in the hands of a test, and a way to run one coroutine to its end.

#include "temporary_folder.hpp"

#include "net/connector.hpp"

#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>

namespace hoist::test {

/// Runs `work` to its end on `io`. The watchdog's time is no assertion about speed.
template <class T>
T run(boost::asio::io_context& io, net::task<T> work) {
  std::optional<T> result;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr e, T value) {
    thrown = e;
    result.emplace(std::move(value));
    io.stop();
  });
  io.restart();
  io.run_for(std::chrono::seconds(30));
  if (!result) throw std::runtime_error("the watchdog ended a coroutine that was not done after 30 s");
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

inline void run(boost::asio::io_context& io, net::task<void> work) {
  bool done = false;
  std::exception_ptr thrown;
  boost::asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
    thrown = e;
    done = true;
    io.stop();
  });
  io.restart();
  io.run_for(std::chrono::seconds(30));
  if (!done) throw std::runtime_error("the watchdog ended a coroutine that was not done after 30 s");
  if (thrown) std::rethrow_exception(thrown);
}

/// Until everything that is ready on `io` has run.
inline void run_ready(boost::asio::io_context& io) {
  io.restart();
  io.poll();
}

/// Until `condition` holds, with a watchdog.
template <class Condition>
bool run_until(boost::asio::io_context& io, Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(90);
  while (!condition() && std::chrono::steady_clock::now() < end) {
    io.restart();
    io.run_one_for(std::chrono::milliseconds(100));
  }
  return condition();
}

struct net_client {
  /// Trusts `ca_pem`, and the system's anchors alone when it is empty.
  explicit net_client(const std::string& ca_pem = {}) : tls(trusting(ca_pem)) {}

  net::connect_context context() { return {io.get_executor(), names, tls, pool, tallies}; }

  /// A connection to 127.0.0.1, verified as `host` when it is TLS.
  net::connect_result connect(wire::scheme how, std::uint16_t port, const std::string& host = "127.0.0.1") {
    net::connector one(context());
    return run(io, one.connect({how, host, port}, net::reach::anywhere, doing));
  }

  /// A TLS connection to 127.0.0.1 whose keys were offered to the kernel, whatever a probe would say: where the kernel
  /// has no TLS this is how it goes on without.
  net::connect_result connect_offering_keys(std::uint16_t port) {
    auto c = connect(wire::scheme::http, port);
    if (!c.why) c.why = run(io, c.connected->handshake(tls, "127.0.0.1", doing, net::sealing::in_kernel));
    return c;
  }

  temporary_folder folder;
  boost::asio::io_context io{1};
  net::resolver names{io.get_executor()};
  net::tls_context tls;
  net::buffer_pool pool;
  net::stream_tallies tallies;
  net::activity doing;

 private:
  tls_options trusting(const std::string& ca_pem) const {
    tls_options o;
    if (!ca_pem.empty()) o.ca_files.push_back(folder.write("ca.pem", ca_pem));
    return o;
  }
};

} // namespace hoist::test
