#pragma once

// Concrete types for the hot path: no polymorphic executor, no strand; one io_context per thread.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <chrono>

namespace hoist::net {

namespace asio = boost::asio;
using boost::system::error_code;

using executor = asio::io_context::executor_type;
using tcp = asio::ip::tcp;
using tcp_socket = asio::basic_stream_socket<tcp, executor>;
using timer =
    asio::basic_waitable_timer<std::chrono::steady_clock, asio::wait_traits<std::chrono::steady_clock>, executor>;

/// What `errno` says, in Asio's words where it has some.
inline error_code system_error(int number) noexcept {
  if (number == EAGAIN || number == EWOULDBLOCK) return asio::error::would_block;
  return {number, boost::system::system_category()};
}

template <class T>
using task = asio::awaitable<T, executor>;
constexpr asio::use_awaitable_t<executor> use_task{};

} // namespace hoist::net
