#include "net/connector.hpp"

#include "wire/address.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>

#include <netinet/in.h>
#include <netinet/tcp.h>

namespace hoist::net {

namespace {

// A peer that acknowledges nothing for this long is gone; the kernel then breaks the connection (reliability.md).
constexpr int user_timeout_ms = 30'000;

wire::address_class class_of(const asio::ip::address& address) {
  return address.is_v4() ? wire::classify_address(address.to_v4().to_bytes())
                         : wire::classify_address(address.to_v6().to_bytes());
}

failure refuse_address(const asio::ip::address& address, reach allowed) {
  if (allowed == reach::anywhere) return {};
  const auto kind = class_of(address);
  if (kind == wire::address_class::public_) return {};
  if (kind != wire::address_class::private_)
    return {failure_kind::address_refused, "the storage leads to " + address.to_string() +
                                               ", where a public API may not send us"};
  if (allowed == reach::not_loopback) return {};
  return {failure_kind::private_storage, "the storage leads to the private address " + address.to_string()};
}

failure_kind kind_of_connect_error(const error_code& ec) {
  const bool ours = ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space ||
                    ec == boost::system::errc::too_many_files_open_in_system ||
                    ec == boost::system::errc::address_not_available;
  return ours ? failure_kind::no_resources : failure_kind::connect;
}

void tune(tcp_socket& socket) {
  error_code ignored; // an option that the kernel lacks costs speed, not correctness
  socket.set_option(tcp::no_delay(true), ignored);
  using user_timeout = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  socket.set_option(user_timeout(user_timeout_ms), ignored);
}

} // namespace

task<connect_result> connector::connect(const wire::origin& to, reach allowed, activity& doing) {
  shut_ = {};
  doing.enter(stage::connecting);
  connect_result result;
  tcp_socket socket(context_.ex);
  result.why = co_await connect_socket(socket, to, allowed, result);
  if (result.why) co_return result;
  tune(socket);
  result.connected = std::make_unique<stream>(std::move(socket), context_.pool, context_.tallies);
  if (to.how == wire::scheme::http) co_return result;

  handshaking_ = result.connected.get();
  result.why = co_await result.connected->handshake(context_.tls, to.host, doing);
  handshaking_ = nullptr;
  if (!result.why) co_return result;
  result.connected.reset();
  if (shut_) result.why.kind = shut_ == asio::error::timed_out ? failure_kind::timed_out : failure_kind::cancelled;
  result.why.text += " (" + to.text() + ")";
  co_return result;
}

task<failure> connector::connect_socket(tcp_socket& socket, const wire::origin& to, reach allowed,
                                        connect_result& result) {
  failure why;
  const auto list = co_await context_.names.resolve(to, shut_, why);
  for (const auto& endpoint : list) {
    if (shut_) break;
    if (failure refused = refuse_address(endpoint.address(), allowed)) {
      why = std::move(refused); // another address of the name may do
      continue;
    }
    error_code ec;
    connecting_ = &socket;
    co_await socket.async_connect(endpoint, asio::redirect_error(use_task, ec));
    connecting_ = nullptr;
    result.peer_is_public = class_of(endpoint.address()) == wire::address_class::public_;
    if (!ec && !shut_) co_return failure{};
    error_code ignored;
    socket.close(ignored);
    context_.names.demote(to, endpoint);
    why = {kind_of_connect_error(ec), "cannot connect to " + to.text() + ": " + (shut_ ? shut_ : ec).message()};
  }
  if (shut_ && !why) why = {failure_kind::connect, "cannot connect to " + to.text() + ": " + shut_.message()};
  if (shut_ && shut_ != asio::error::timed_out) why.kind = failure_kind::cancelled;
  co_return why;
}

void connector::shut(error_code why) {
  shut_ = why;
  context_.names.wake();
  error_code ignored;
  if (connecting_ != nullptr) connecting_->close(ignored);
  if (handshaking_ != nullptr) handshaking_->shut(why);
}

} // namespace hoist::net
