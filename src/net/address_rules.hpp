#pragma once

// Which addresses a connection may lead to (contract §2). Applied to addresses, after name resolution, so that no
// spelling of a name gets around it; what is out of reach never comes to a connect().

#include "net/failure.hpp"
#include "net/types.hpp"

#include <vector>

namespace hoist::net {

using addresses = std::vector<tcp::endpoint>;

/// Where a connection may lead.
enum class reach : std::uint8_t {
  anywhere,     ///< the caller's own choice: the API
  not_loopback, ///< a public API, and private storage allowed
  public_only,  ///< a public API: no loopback, link-local, private or special address
};

bool is_public(const asio::ip::address& address) noexcept;

/// Those of `list` that may be connected to, in their order. When all are out of it, `refused` says why: a private
/// address before the others, since an option would allow it.
addresses within_reach(const addresses& list, reach allowed, failure& refused);

} // namespace hoist::net
