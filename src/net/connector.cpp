#include "net/connector.hpp"

#include "net/kernel_tls.hpp"

#include <boost/asio/error.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace hoist::net {

namespace {

// A peer that acknowledges nothing for this long is gone; the kernel then breaks the connection.
constexpr int user_timeout_ms = 30'000;

void tune(tcp_socket& socket) {
  error_code ignored; // an option that the kernel lacks costs speed, not correctness
  socket.set_option(tcp::no_delay(true), ignored);
  using user_timeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket.set_option(user_timeout(user_timeout_ms), ignored);
}

} // namespace

task<connect_result> connector::connect(const wire::origin& to, reach allowed, activity& doing, sealing by) {
  shut_ = {};
  doing.enter(stage::connecting);
  connect_result result;
  race_result raced = co_await connect_socket(to, allowed, result.why);
  if (result.why) co_return result;
  tune(*raced.socket);
  result.peer_is_public = is_public(raced.winner.address());
  result.connected = std::make_unique<stream>(std::move(*raced.socket), context_.pool, context_.tallies);
  if (to.how == wire::scheme::https) {
    handshaking_ = result.connected.get();
    if (by == sealing::in_kernel && !(context_.tls.may_offload() && kernel_tls_works())) by = sealing::in_process;
    result.why = co_await result.connected->handshake(context_.tls, to.host, doing, by);
    handshaking_ = nullptr;
  }
  if (!result.why) {
    context_.names.mark_good(to, raced.winner);
    co_return result;
  }
  result.connected.reset();
  if (shut_ && shut_ != asio::error::timed_out) result.why.kind = failure_kind::cancelled;
  result.why.text += " (" + to.text() + ")";
  if (result.why.kind != failure_kind::cancelled) context_.names.mark_bad(to, raced.winner);
  co_return result;
}

task<race_result> connector::connect_socket(const wire::origin& to, reach allowed, failure& why) {
  race_result raced;
  const addresses found = co_await context_.names.resolve(to, shut_, why);
  const addresses list = within_reach(found, allowed, why);
  if (!list.empty()) raced = co_await race_.run(list);
  for (const auto& address : raced.bad) context_.names.mark_bad(to, address);
  if (shut_ || (!list.empty() && !raced.socket)) why = reason(raced, to);
  if (!list.empty() && why.kind == failure_kind::connect) context_.names.distrust(to);
  co_return raced;
}

failure connector::reason(const race_result& raced, const wire::origin& to) const {
  const error_code& ec = shut_ ? shut_ : raced.why;
  auto kind = is_own_shortage(ec) ? failure_kind::no_resources : failure_kind::connect;
  if (shut_ && shut_ != asio::error::timed_out) kind = failure_kind::cancelled;
  return {kind, "cannot connect to " + to.text() + ": " + ec.message()};
}

void connector::shut(error_code why) {
  shut_ = why;
  context_.names.wake();
  race_.shut(why);
  if (handshaking_ != nullptr) handshaking_->shut(why);
}

} // namespace hoist::net
