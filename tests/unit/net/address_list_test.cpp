#include "net/address_list.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace hoist::net {
namespace {

using namespace std::chrono_literals;

constexpr address_list::time_point start{std::chrono::hours{1}};

tcp::endpoint at(const std::string& host) {
  return {asio::ip::make_address(host), 443};
}

addresses list_of(const std::vector<std::string>& hosts) {
  addresses list;
  for (const auto& host : hosts) list.push_back(at(host));
  return list;
}

address_list holding(const std::vector<std::string>& hosts) {
  address_list list;
  list.renew(list_of(hosts));
  return list;
}

// Connections are spread: in as many turns as there are addresses, each is the first one once and none is left out.
TEST(address_list, each_is_the_first_in_its_turn) {
  for (const auto& hosts : std::vector<std::vector<std::string>>{
           {"1.0.0.1"}, {"1.0.0.1", "1.0.0.2", "1.0.0.3"}, {"2606::1", "2606::2", "1.0.0.1"}, {"2606::1", "1.0.0.1"}}) {
    auto list = holding(hosts);
    std::map<tcp::endpoint, int> first;
    for (std::size_t turn = 0; turn < 3 * hosts.size(); ++turn) {
      const auto order = list.next_order(start);
      EXPECT_EQ(std::set(order.begin(), order.end()).size(), hosts.size());
      ++first[order.front()];
    }
    for (const auto& host : hosts) EXPECT_EQ(first[at(host)], 3) << host;
  }
}

// Families go by turns, beginning with that of the first.
TEST(address_list, families_by_turns) {
  auto list = holding({"2606::1", "2606::2", "2606::3", "1.0.0.1", "1.0.0.2"});
  EXPECT_EQ(list.next_order(start), list_of({"2606::1", "1.0.0.1", "2606::2", "1.0.0.2", "2606::3"}));
  EXPECT_EQ(list.next_order(start), list_of({"2606::2", "1.0.0.1", "2606::3", "1.0.0.2", "2606::1"}));
  list.next_order(start);
  EXPECT_EQ(list.next_order(start), list_of({"1.0.0.1", "2606::1", "1.0.0.2", "2606::2", "2606::3"}));
}

// A bad address is the last one for 30 s, and then as good as any.
TEST(address_list, bad_for_a_while) {
  auto list = holding({"1.0.0.1", "1.0.0.2", "1.0.0.3"});
  list.mark_bad(at("1.0.0.2"), start);
  for (int turn = 0; turn < 6; ++turn) EXPECT_EQ(list.next_order(start + 30s - 1ns).back(), at("1.0.0.2"));
  std::set<tcp::endpoint> first;
  for (int turn = 0; turn < 3; ++turn) first.insert(list.next_order(start + 30s).front());
  EXPECT_EQ(first.size(), 3u);
}

// The good ones are spread as evenly as if the bad one were not there.
TEST(address_list, good_ones_share_the_load_of_a_bad_one) {
  auto list = holding({"1.0.0.1", "1.0.0.2", "1.0.0.3"});
  list.mark_bad(at("1.0.0.1"), start);
  std::map<tcp::endpoint, int> first;
  for (int turn = 0; turn < 10; ++turn) ++first[list.next_order(start).front()];
  EXPECT_EQ(first[at("1.0.0.2")], 5);
  EXPECT_EQ(first[at("1.0.0.3")], 5);
}

// A success takes the mark away at once.
TEST(address_list, good_again) {
  auto list = holding({"1.0.0.1", "1.0.0.2"});
  list.mark_bad(at("1.0.0.1"), start);
  list.mark_good(at("1.0.0.1"));
  list.mark_good(at("9.9.9.9")); // never heard of, nothing happens
  std::set<tcp::endpoint> first;
  for (int turn = 0; turn < 2; ++turn) first.insert(list.next_order(start).front());
  EXPECT_EQ(first.size(), 2u);
}

// When all are bad all are tried, the one that failed longest ago first.
TEST(address_list, all_bad_are_all_tried) {
  auto list = holding({"1.0.0.1", "1.0.0.2", "1.0.0.3"});
  list.mark_bad(at("1.0.0.3"), start);
  list.mark_bad(at("1.0.0.1"), start + 1s);
  list.mark_bad(at("1.0.0.2"), start + 2s);
  EXPECT_EQ(list.next_order(start + 3s), list_of({"1.0.0.3", "1.0.0.1", "1.0.0.2"}));
  list.mark_bad(at("1.0.0.3"), start + 3s);
  EXPECT_EQ(list.next_order(start + 3s), list_of({"1.0.0.1", "1.0.0.2", "1.0.0.3"}));
}

// A new answer of the name service takes no mark away, not even that of an address that was missing for a while.
TEST(address_list, marks_outlive_a_renewal) {
  auto list = holding({"1.0.0.1", "1.0.0.2"});
  list.mark_bad(at("1.0.0.1"), start);
  list.renew(list_of({"1.0.0.2"}));
  EXPECT_EQ(list.next_order(start), list_of({"1.0.0.2"}));
  list.renew(list_of({"1.0.0.1", "1.0.0.2"}));
  EXPECT_EQ(list.next_order(start), list_of({"1.0.0.2", "1.0.0.1"}));
  list.renew({});
  EXPECT_TRUE(list.empty());
  EXPECT_TRUE(list.next_order(start).empty());
}

// An address that is named twice is one address.
TEST(address_list, no_address_twice) {
  auto list = holding({"1.0.0.1", "1.0.0.1", "1.0.0.2", "1.0.0.1"});
  EXPECT_EQ(list.next_order(start), list_of({"1.0.0.1", "1.0.0.2"}));
}

} // namespace
} // namespace hoist::net
