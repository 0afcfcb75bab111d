#include "wire/address.hpp"

#include <algorithm>
#include <span>

namespace hoist::wire {

namespace {

struct ipv4_row {
  std::uint32_t network;
  int bits;
  address_class kind;
};

constexpr std::uint32_t quad(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

using enum address_class;

// IANA's special-purpose registry, as far as it can be met by a connect().
constexpr std::array ipv4_rows{
    ipv4_row{quad(0, 0, 0, 0), 8, special},       ipv4_row{quad(10, 0, 0, 0), 8, private_},
    ipv4_row{quad(100, 64, 0, 0), 10, private_},  ipv4_row{quad(127, 0, 0, 0), 8, loopback},
    ipv4_row{quad(169, 254, 0, 0), 16, link_local}, ipv4_row{quad(172, 16, 0, 0), 12, private_},
    ipv4_row{quad(192, 0, 0, 0), 24, special},    ipv4_row{quad(192, 0, 2, 0), 24, special},
    ipv4_row{quad(192, 168, 0, 0), 16, private_}, ipv4_row{quad(198, 18, 0, 0), 15, private_},
    ipv4_row{quad(198, 51, 100, 0), 24, special}, ipv4_row{quad(203, 0, 113, 0), 24, special},
    ipv4_row{quad(224, 0, 0, 0), 3, special},
};

bool starts_with(const ipv6_bytes& address, std::span<const unsigned char> prefix) noexcept {
  return std::ranges::equal(prefix, std::span(address).first(prefix.size()));
}

ipv4_bytes embedded(const ipv6_bytes& address, std::size_t at) noexcept {
  return {address[at], address[at + 1], address[at + 2], address[at + 3]};
}

constexpr std::array<unsigned char, 12> zeros{};
constexpr std::array<unsigned char, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<unsigned char, 12> nat64{0x00, 0x64, 0xff, 0x9b};
constexpr std::array<unsigned char, 2> six_to_four{0x20, 0x02};
constexpr std::array<unsigned char, 4> documentation{0x20, 0x01, 0x0d, 0xb8};

} // namespace

address_class classify_address(const ipv4_bytes& address) noexcept {
  const std::uint32_t value = quad(address[0], address[1], address[2], address[3]);
  for (const ipv4_row& row : ipv4_rows)
    if ((value >> (32 - row.bits)) == (row.network >> (32 - row.bits))) return row.kind;
  return public_;
}

address_class classify_address(const ipv6_bytes& address) noexcept {
  if (starts_with(address, mapped) || starts_with(address, nat64)) return classify_address(embedded(address, 12));
  if (starts_with(address, zeros)) {
    const ipv4_bytes last = embedded(address, 12);
    if (last == ipv4_bytes{0, 0, 0, 1}) return loopback;
    return last == ipv4_bytes{} ? special : classify_address(last);
  }
  if (starts_with(address, six_to_four)) return classify_address(embedded(address, 2));
  if (starts_with(address, documentation)) return special;
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) return link_local;
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0xc0) return private_; // site-local, deprecated but still routed
  if ((address[0] & 0xfe) == 0xfc) return private_;
  if (address[0] == 0xff) return special;
  return public_;
}

} // namespace hoist::wire
