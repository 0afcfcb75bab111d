#pragma once

// One PUT slot. Its coroutine lives as long as the shard, so that nothing is allocated per file for it; it owns at most
// one connection, which it keeps between PUTs and drops when the peer or the sweeper closes it.

#include "core/schedule/scheduler.hpp"
#include "engine/operation/flight.hpp"
#include "engine/words/outcomes.hpp"
#include "net/connector.hpp"
#include "net/put_exchange.hpp"

#include <memory>
#include <optional>
#include <string>

namespace hoist::engine {

struct put_listener {
  /// The attempt of `f` is over: stored, when `failed` is empty. The worker is free again.
  virtual void put_finished(put_worker& w, core::file_id f, std::optional<verdict> failed) = 0;
  /// An idle worker's connection is gone.
  virtual void put_disconnected(put_worker& w) = 0;
  virtual void connection_opened(core::origin_id to) = 0;
  virtual void connection_closed(core::origin_id to) = 0;

 protected:
  ~put_listener() = default;
};

class put_worker {
 public:
  /// `digests`: where bodies are digested while they are sent, so that ETags can be compared; null: they are not.
  put_worker(net::connect_context context, net::reach allowed, digest::md5_lanes* digests, put_listener& listener);

  /// Puts `what` with its ticket. Preconditions: idle(); `what` stays in place until put_finished.
  void begin(core::file_id f, flight& what);
  /// Where connections may lead from now on.
  void allow(net::reach r) noexcept { allowed_ = r; }
  bool idle() const noexcept { return job_ == nullptr; }
  bool connected_to(const wire::origin& where) const noexcept { return connection_ && where == origin_; }
  bool connected() const noexcept { return connection_ != nullptr; }

  /// Tells of a connection that has stood for a while, though it has not answered yet.
  void count_connection(core::instant now);

  net::task<void> run();
  void stop();
  /// Gives the attempt under way up, or closes the idle connection.
  void shut(net::error_code why);
  const net::activity& doing() const noexcept { return doing_; }

 private:
  net::task<void> idle_wait();
  net::task<std::optional<verdict>> attempt();
  net::task<std::optional<verdict>> connect();
  net::task<std::optional<verdict>> exchange();
  std::optional<verdict> judge(const net::put_result& result, bool reused);
  std::optional<verdict> compare_digests();
  void drop_connection();

  net::connector connector_;
  net::reach allowed_;
  put_listener& listener_;

  core::file_id file_ = 0;
  flight* job_ = nullptr;
  net::file_source body_;
  std::string head_;

  std::unique_ptr<net::stream> connection_;
  wire::origin origin_;
  core::origin_id origin_id_ = 0;
  net::answer_reader reader_;
  std::uint64_t exchanges_ = 0; ///< on this connection
  core::instant connected_at_{};
  bool counted_ = false; ///< the connection has been told of
  net::activity doing_;
  net::timer asleep_; ///< never expires; cancelled to wake a worker without a connection
  bool stopping_ = false;
  std::optional<net::error_code> shut_; ///< why the attempt under way was given up
};

} // namespace hoist::engine
