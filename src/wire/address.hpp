#pragma once

// What kind of place an IP address is. Checked on the address that is connected to, after the name was resolved, so
// that no spelling of a name or number gets around it.

#include <array>
#include <cstdint>

namespace hoist::wire {

enum class address_class : std::uint8_t {
  public_,
  private_, ///< RFC 1918, unique local, shared (100.64/10)
  loopback,
  link_local, ///< among them the clouds' metadata services
  special,    ///< unspecified, multicast, broadcast, documentation, reserved
};

using ipv4_bytes = std::array<unsigned char, 4>;
using ipv6_bytes = std::array<unsigned char, 16>;

address_class classify_address(const ipv4_bytes& address) noexcept;
/// Mapped, compatible, 6to4 and NAT64 forms count as the IPv4 address inside.
address_class classify_address(const ipv6_bytes& address) noexcept;

} // namespace hoist::wire
