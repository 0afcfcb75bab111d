#include "wire/address.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>

namespace hoist::wire {
namespace {

using enum address_class;

address_class class_of(const char* text) {
  ipv4_bytes four;
  ipv6_bytes six;
  if (inet_pton(AF_INET, text, four.data()) == 1) return classify_address(four);
  if (inet_pton(AF_INET6, text, six.data()) == 1) return classify_address(six);
  ADD_FAILURE() << text << " is no address";
  return public_;
}

struct address_case {
  const char* address;
  address_class expected;
};

void expect_classes(std::initializer_list<address_case> cases) {
  for (const auto& c : cases)
    EXPECT_EQ(static_cast<int>(class_of(c.address)), static_cast<int>(c.expected)) << c.address;
}

// Every range of IPv4 that is not public, at both its ends, and the public addresses beside them.
TEST(address, ipv4) {
  expect_classes({
      {"0.0.0.0", special},
      {"0.255.255.255", special},
      {"1.0.0.0", public_},
      {"9.255.255.255", public_},
      {"10.0.0.0", private_},
      {"10.255.255.255", private_},
      {"11.0.0.0", public_},
      {"100.63.255.255", public_},
      {"100.64.0.0", private_},
      {"100.127.255.255", private_},
      {"100.128.0.0", public_},
      {"126.255.255.255", public_},
      {"127.0.0.1", loopback},
      {"127.255.255.255", loopback},
      {"128.0.0.0", public_},
      {"169.253.255.255", public_},
      {"169.254.0.0", link_local},
      {"169.254.169.254", link_local},
      {"169.254.255.255", link_local},
      {"169.255.0.0", public_},
      {"172.15.255.255", public_},
      {"172.16.0.0", private_},
      {"172.31.255.255", private_},
      {"172.32.0.0", public_},
      {"192.0.0.0", special},
      {"192.0.0.192", special},
      {"192.0.2.1", special},
      {"192.0.3.0", public_},
      {"192.167.255.255", public_},
      {"192.168.0.0", private_},
      {"192.168.255.255", private_},
      {"192.169.0.0", public_},
      {"198.17.255.255", public_},
      {"198.18.0.0", private_},
      {"198.19.255.255", private_},
      {"198.20.0.0", public_},
      {"198.51.100.7", special},
      {"203.0.113.7", special},
      {"223.255.255.255", public_},
      {"224.0.0.1", special},
      {"239.255.255.255", special},
      {"240.0.0.1", special},
      {"255.255.255.255", special},
      {"8.8.8.8", public_},
      {"52.216.0.1", public_},
  });
}

// Likewise IPv6.
TEST(address, ipv6) {
  expect_classes({
      {"::", special},
      {"::1", loopback},
      {"fe80::1", link_local},
      {"febf:ffff::1", link_local},
      {"fec0::1", private_},
      {"fc00::1", private_},
      {"fdff:ffff::1", private_},
      {"ff00::", special},
      {"ff02::1", special},
      {"2001:db8::1", special},
      {"2606:4700::1", public_},
      {"2a00:1450:4001::1", public_},
      {"2600:1f18::1", public_},
      {"2001:4860:4860::8888", public_},
  });
}

// An IPv4 address inside an IPv6 one counts as itself: mapped, compatible, 6to4, NAT64.
TEST(address, ipv4_inside_ipv6) {
  expect_classes({
      {"::ffff:127.0.0.1", loopback},
      {"::ffff:10.0.0.1", private_},
      {"::ffff:169.254.169.254", link_local},
      {"::ffff:8.8.8.8", public_},
      {"::ffff:0.0.0.0", special},
      {"::10.0.0.1", private_},
      {"::127.0.0.1", loopback},
      {"2002:7f00:1::", loopback},
      {"2002:a00:1::1", private_},
      {"2002:a9fe:a9fe::", link_local},
      {"2002:808:808::1", public_},
      {"64:ff9b::127.0.0.1", loopback},
      {"64:ff9b::10.0.0.1", private_},
      {"64:ff9b::169.254.169.254", link_local},
      {"64:ff9b::8.8.8.8", public_},
  });
}

// The rest of IANA's special registry is not public either: local NAT64, translated IPv4, discard, Teredo and protocol
// assignments, benchmarking, ORCHID, the second documentation prefix, segment routing.
TEST(address, regression_special_ipv6_ranges) {
  for (const char* address :
       {"64:ff9b:1::a00:1", "64:ff9b:1:ffff::7f00:1", "::ffff:0:10.0.0.1", "::ffff:0:127.0.0.1", "100::1", "2001::1",
        "2001:0:a00:1::1", "2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "5f00::1"})
    EXPECT_NE(static_cast<int>(class_of(address)), static_cast<int>(public_)) << address;
}

// The clouds' metadata services are always refused, also those that live in a private range an option may allow.
TEST(address, regression_metadata_services_in_private_ranges) {
  expect_classes({
      {"fd00:ec2::254", link_local},   // AWS
      {"fd20:ce::254", link_local},    // Google
      {"100.100.100.200", link_local}, // Alibaba
  });
}

} // namespace
} // namespace hoist::wire
