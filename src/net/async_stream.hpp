#pragma once

// A `stream` as Beast's AsyncStream: `http::async_write`, `http::async_read` and everything else that is written for
// the concept work over it. A write takes at most one batch and completes when the kernel has it; so a large body still
// leaves as one send per batch.
//
// One read and one write may not be under way at the same time: the stream has one waiter. HTTP needs no more.

#include "net/stream.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <utility>

namespace hoist::net {

class async_stream {
 public:
  using executor_type = executor;

  explicit async_stream(stream& under) : under_(under) {}
  executor_type get_executor() noexcept { return under_.get_executor(); }

  /// Completion: void(error_code, std::size_t).
  template <class MutableBuffers, class Token>
  auto async_read_some(const MutableBuffers& buffers, Token&& token) {
    return start([this, buffers] { return read_some(first(buffers)); }, std::forward<Token>(token));
  }

  /// Completion: void(error_code, std::size_t).
  template <class ConstBuffers, class Token>
  auto async_write_some(const ConstBuffers& buffers, Token&& token) {
    const auto room = under_.room();
    const std::size_t limit = std::min(room.size(), under_.batch_limit());
    const std::size_t n = asio::buffer_copy(asio::buffer(room.data(), limit), buffers);
    error_code ec;
    if (n > 0) under_.send(n, ec);
    return start([this, n, ec] { return finish_write(n, ec); }, std::forward<Token>(token));
  }

 private:
  using result = std::pair<error_code, std::size_t>;

  template <class Operation, class Token>
  auto start(Operation operation, Token&& token) {
    auto initiate = [this](auto handler, Operation run) {
      const auto ex = asio::get_associated_executor(handler, get_executor());
      auto complete = [handler = std::move(handler)](const std::exception_ptr& thrown, result r) mutable {
        if (thrown) std::rethrow_exception(thrown);
        std::move(handler)(r.first, r.second);
      };
      asio::co_spawn(get_executor(), run(), asio::bind_executor(ex, std::move(complete)));
    };
    return asio::async_initiate<Token, void(error_code, std::size_t)>(std::move(initiate), token, std::move(operation));
  }

  template <class MutableBuffers>
  static asio::mutable_buffer first(const MutableBuffers& buffers) {
    for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at)
      if (asio::mutable_buffer one(*at); one.size() > 0) return one;
    return {};
  }

  task<result> read_some(asio::mutable_buffer into) {
    if (into.size() == 0) co_return result{};
    for (;;) {
      error_code ec;
      const std::size_t n = under_.receive({static_cast<char*>(into.data()), into.size()}, ec);
      if (ec != asio::error::would_block) co_return result{ec, n};
      co_await under_.wait(interest::read);
    }
  }

  task<result> finish_write(std::size_t n, error_code ec) {
    if (ec == asio::error::would_block) ec = co_await under_.flush();
    co_return result{ec, ec ? 0 : n};
  }

  stream& under_;
};

} // namespace hoist::net
