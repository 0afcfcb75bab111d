// One thread of the server: its io_context, its connections, and what they share without a lock (read buffer, signing
// keys, JSON parser, the text of the current Date). Connections are dealt out round-robin and never move.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/api/identity.hpp"
#include "server/api/options.hpp"
#include "server/api/presign_api.hpp"
#include "server/base/byte_stream.hpp"
#include "server/base/rate_gate.hpp"
#include "server/base/tls_context.hpp"
#include "server/faults/fault_injector.hpp"
#include "server/service/metrics.hpp"
#include "server/storage/object_store.hpp"

namespace hoist::server {

class http_session;

// What all threads share. Filled before they start; afterwards each part looks after itself.
struct server_context {
  server_options options;
  identity who;
  sigv4_account account;
  origins where;
  std::string host_id;
  tls_context tls; // null: plain http
  std::unique_ptr<object_store> store;
  std::unique_ptr<rate_gate> bandwidth;
  std::unique_ptr<fault_injector> faults;
  metrics counted;
};

class worker {
 public:
  explicit worker(server_context& context);
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker();

  void run(); // the thread's body; returns when drained or aborted
  [[nodiscard]] asio::io_context& context() noexcept { return io_; }
  // From any thread.
  void adopt(asio::ip::tcp::socket socket, port_roles roles);
  void drain();
  void abort() { io_.stop(); }

  // For this thread's sessions.
  [[nodiscard]] server_context& shared() noexcept { return shared_; }
  [[nodiscard]] thread_counters& counters() noexcept { return counters_; }
  [[nodiscard]] presign_api& presigns() noexcept { return presigns_; }
  [[nodiscard]] signing_keys& keys() noexcept { return keys_; }
  [[nodiscard]] bool draining() const noexcept { return draining_; }
  // For bytes that are used up before the next co_await: all sessions of the thread read into it.
  [[nodiscard]] std::span<char> scratch() noexcept { return scratch_; }
  [[nodiscard]] std::string_view http_date(unix_time now);
  [[nodiscard]] request_ids next_ids();

 private:
  [[nodiscard]] std::shared_ptr<byte_stream> stream_over(asio::ip::tcp::socket socket) const;
  asio::awaitable<void> serve(asio::ip::tcp::socket socket, port_roles roles);
  asio::awaitable<void> watch_deadlines();

  server_context& shared_;
  thread_counters& counters_;
  signing_keys keys_;
  presign_api presigns_;
  std::vector<char> scratch_;
  unix_time date_at_;
  std::string date_;
  std::uint64_t id_state_ = 0;
  bool draining_ = false;
  std::list<http_session*> sessions_;
  // Last, so that it goes first: destroying it ends the sessions, which still use all of the above.
  asio::io_context io_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::steady_timer watch_;
};

} // namespace hoist::server
