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
    ipv4_row{quad(0, 0, 0, 0), 8, special},
    ipv4_row{quad(10, 0, 0, 0), 8, private_},
    ipv4_row{quad(100, 100, 100, 200), 32, link_local}, // a cloud's metadata service
    ipv4_row{quad(100, 64, 0, 0), 10, private_},
    ipv4_row{quad(127, 0, 0, 0), 8, loopback},
    ipv4_row{quad(169, 254, 0, 0), 16, link_local},
    ipv4_row{quad(172, 16, 0, 0), 12, private_},
    ipv4_row{quad(192, 0, 0, 0), 24, special},
    ipv4_row{quad(192, 0, 2, 0), 24, special},
    ipv4_row{quad(192, 168, 0, 0), 16, private_},
    ipv4_row{quad(198, 18, 0, 0), 15, private_},
    ipv4_row{quad(198, 51, 100, 0), 24, special},
    ipv4_row{quad(203, 0, 113, 0), 24, special},
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
constexpr std::array<unsigned char, 12> translated{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0};
constexpr std::array<unsigned char, 2> six_to_four{0x20, 0x02};

struct ipv6_row {
  std::uint32_t network; ///< the first 32 bits
  int bits;              ///< of them; at most 32
  address_class kind;
};

constexpr std::array ipv6_rows{
    ipv6_row{0x0064ff9b, 32, special}, // local-use NAT64; the well-known prefix is looked into before
    ipv6_row{0x01000000, 32, special}, // discard
    ipv6_row{0x20010000, 23, special}, // Teredo, benchmarking, ORCHID
    ipv6_row{0x20010db8, 32, special}, // documentation
    ipv6_row{0x3fff0000, 20, special}, // documentation
    ipv6_row{0x5f000000, 16, special}, // segment routing
    ipv6_row{0xfc000000, 7, private_},  ipv6_row{0xfe800000, 10, link_local},
    ipv6_row{0xfec00000, 10, private_}, // site-local, deprecated but still routed
    ipv6_row{0xff000000, 8, special},
};

// The clouds' metadata services on IPv6, which sit in ranges that are merely private.
constexpr std::array metadata_v6{
    ipv6_bytes{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
    ipv6_bytes{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54},
};

} // namespace

address_class classify_address(const ipv4_bytes& address) noexcept {
  const std::uint32_t value = quad(address[0], address[1], address[2], address[3]);
  for (const ipv4_row& row : ipv4_rows)
    if ((value >> (32 - row.bits)) == (row.network >> (32 - row.bits))) return row.kind;
  return public_;
}

address_class classify_address(const ipv6_bytes& address) noexcept {
  if (starts_with(address, mapped) || starts_with(address, translated) || starts_with(address, nat64))
    return classify_address(embedded(address, 12));
  if (starts_with(address, zeros)) {
    const ipv4_bytes last = embedded(address, 12);
    if (last == ipv4_bytes{0, 0, 0, 1}) return loopback;
    return last == ipv4_bytes{} ? special : classify_address(last);
  }
  if (starts_with(address, six_to_four)) return classify_address(embedded(address, 2));
  if (std::ranges::find(metadata_v6, address) != metadata_v6.end()) return link_local;
  const std::uint32_t first = quad(address[0], address[1], address[2], address[3]);
  for (const ipv6_row& row : ipv6_rows)
    if ((first >> (32 - row.bits)) == (row.network >> (32 - row.bits))) return row.kind;
  return public_;
}

} // namespace hoist::wire
