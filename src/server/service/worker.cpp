#include "server/service/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "server/base/encoding.hpp"
#include "server/service/http_session.hpp"

namespace hoist::server {
namespace {

constexpr std::size_t scratch_bytes = 256 * 1024;
// How late a timeout may be noticed. One timer per thread, instead of one to arm for every read.
constexpr std::chrono::milliseconds watch_interval{50};

} // namespace

worker::worker(server_context& context)
    : shared_(context)
    , counters_(context.counted.add_thread())
    , keys_(context.account)
    , presigns_(context.options, context.where, keys_)
    , scratch_(scratch_bytes)
    , io_(1)
    , work_(io_.get_executor())
    , watch_(io_) {
  fill_random({reinterpret_cast<std::uint8_t*>(&id_state_), sizeof id_state_});
  asio::co_spawn(io_, watch_deadlines(), asio::detached);
}

worker::~worker() = default;

void worker::run() {
  io_.run();
}

void worker::adopt(asio::ip::tcp::socket socket, port_roles roles) {
  asio::co_spawn(io_, serve(std::move(socket), roles), asio::detached);
}

std::shared_ptr<byte_stream> worker::stream_over(asio::ip::tcp::socket socket) const {
  if (shared_.tls) return make_tls_stream(std::move(socket), shared_.tls.get());
  return make_plain_stream(std::move(socket));
}

asio::awaitable<void> worker::serve(asio::ip::tcp::socket socket, port_roles roles) {
  counters_.connections.add();
  try {
    http_session session(stream_over(std::move(socket)), *this, roles);
    // On the list while it lives, and off it however it ends.
    struct membership {
      std::list<http_session*>& list;
      std::list<http_session*>::iterator place;
      ~membership() { list.erase(place); }
    } const member{sessions_, sessions_.insert(sessions_.end(), &session)};
    co_await session.run();
  } catch (const std::exception& error) {
    spdlog::error("connection ended by an exception: {}", error.what());
  }
  counters_.connections_closed.add();
  if (draining_ && sessions_.empty()) watch_.cancel();
}

asio::awaitable<void> worker::watch_deadlines() {
  while (!draining_ || !sessions_.empty()) {
    boost::system::error_code ignored;
    watch_.expires_after(watch_interval);
    co_await watch_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    const auto now = std::chrono::steady_clock::now();
    for (auto* session : sessions_) session->check_deadline(now);
  }
}

void worker::drain() {
  asio::post(io_, [this] {
    draining_ = true;
    for (auto* session : sessions_) session->drain();
    work_.reset();
    watch_.cancel();
  });
}

std::string_view worker::http_date(unix_time now) {
  if (now != date_at_) {
    date_ = to_http_date(now);
    date_at_ = now;
  }
  return date_;
}

request_ids worker::next_ids() {
  // SplitMix64: it has to be unlike the others, not unpredictable.
  std::uint64_t value = id_state_ += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  value ^= value >> 31U;
  std::string id(16, '0');
  for (auto& digit : id) {
    digit = "0123456789ABCDEF"[value & 15U];
    value >>= 4U;
  }
  return {std::move(id), shared_.host_id};
}

} // namespace hoist::server
