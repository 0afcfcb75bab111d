#pragma once

// How the loops of a shard begin: workers, channels, the adopter.

#include "net/types.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <exception>
#include <utility>

namespace hoist::engine {

/// What a loop throws (there is no memory, say) leaves io_context::run, as from any handler, and ends the process. Were it
/// dropped, the files of that loop would never settle and their run never end; as it is, the next one goes on from the ledger.
inline void spawn(net::asio::io_context& context, net::task<void> loop) {
  net::asio::co_spawn(context, std::move(loop), [](const std::exception_ptr& thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

} // namespace hoist::engine
