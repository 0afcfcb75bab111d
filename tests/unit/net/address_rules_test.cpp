#include "net/address_rules.hpp"

#include <gtest/gtest.h>

namespace hoist::net {
namespace {

addresses list_of(const std::vector<std::string>& hosts) {
  addresses list;
  for (const auto& host : hosts) list.emplace_back(asio::ip::make_address(host), 443);
  return list;
}

struct reach_case {
  const char* name;
  std::vector<std::string> found;
  reach allowed;
  std::vector<std::string> expected;
  failure_kind refused;
};

class reach_of_a_list : public testing::TestWithParam<reach_case> {};

// Every address is judged for itself: what is out of reach is gone, the rest keeps its order, and only when nothing is
// left is there a refusal, which names the private address where an option would help.
TEST_P(reach_of_a_list, is_told_from_out_of_reach) {
  const auto& c = GetParam();
  failure refused;
  EXPECT_EQ(within_reach(list_of(c.found), c.allowed, refused), list_of(c.expected));
  EXPECT_EQ(refused.kind, c.refused) << refused.text;
}

using enum failure_kind;

INSTANTIATE_TEST_SUITE_P(
    all, reach_of_a_list,
    testing::Values(
        reach_case{"anywhere",
                   {"127.0.0.1", "10.0.0.1", "8.8.8.8"},
                   reach::anywhere,
                   {"127.0.0.1", "10.0.0.1", "8.8.8.8"},
                   none},
        reach_case{
            "public_among_others",
            {"127.0.0.1", "8.8.8.8", "10.0.0.1", "2606:4700::1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1"},
            reach::public_only,
            {"8.8.8.8", "2606:4700::1"},
            none},
        reach_case{"private_among_others",
                   {"::1", "10.0.0.1", "8.8.8.8", "169.254.169.254", "fd00:ec2::254", "192.168.0.9"},
                   reach::not_loopback,
                   {"10.0.0.1", "8.8.8.8", "192.168.0.9"},
                   none},
        reach_case{"loopback_alone", {"127.0.0.1", "::1"}, reach::public_only, {}, address_refused},
        reach_case{"metadata_alone", {"169.254.169.254"}, reach::not_loopback, {}, address_refused},
        reach_case{"private_first", {"10.0.0.1", "127.0.0.1"}, reach::public_only, {}, private_storage},
        reach_case{"private_last", {"127.0.0.1", "10.0.0.1"}, reach::public_only, {}, private_storage},
        reach_case{"private_in_the_middle", {"127.0.0.1", "10.0.0.1", "::1"}, reach::public_only, {}, private_storage},
        reach_case{"nothing", {}, reach::public_only, {}, none}),
    [](const auto& tested) { return std::string(tested.param.name); });

// A reason that stands already is not wiped out by a list without an address.
TEST(reach_rules, an_empty_list_says_nothing) {
  failure why{resolve, "no such name"};
  EXPECT_TRUE(within_reach({}, reach::public_only, why).empty());
  EXPECT_EQ(why.kind, resolve);
}

// Loopback and private addresses are not public, in any form.
TEST(reach_rules, what_is_public) {
  for (const char* host : {"127.0.0.1", "10.1.2.3", "::1", "fd00::1", "::ffff:10.0.0.1", "169.254.169.254"})
    EXPECT_FALSE(is_public(asio::ip::make_address(host))) << host;
  for (const char* host : {"8.8.8.8", "2606:4700::1"}) EXPECT_TRUE(is_public(asio::ip::make_address(host))) << host;
}

} // namespace
} // namespace hoist::net
