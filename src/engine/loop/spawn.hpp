#pragma once

// How the loops begin that live as long as their shard or remover: workers, channels, the adopter.

#include "net/types.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace hoist::engine {

/// What a loop throws (there is no memory, say) leaves io_context::run, as from any handler, and ends the process. Were
/// it dropped, what that loop had in hand would never settle and its run never end; with a ledger, the next one goes on
/// from there.
inline void spawn(net::asio::io_context& context, net::task<void> loop) {
  net::asio::co_spawn(context, std::move(loop), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

} // namespace hoist::engine
