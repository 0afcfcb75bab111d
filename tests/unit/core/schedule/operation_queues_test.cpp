#include "core/schedule/operation_queues.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace hoist::core {
namespace {

/// What is taken, turn by turn.
std::string taken(operation_queues& q, std::size_t n) {
  std::string text;
  for (; n > 0 && !q.empty(); --n) {
    const file_id f = q.front();
    q.end_turn();
    q.erase(f / 100, f); // here, files 100 to 199 are operation 1's
    text += std::to_string(f) + " ";
  }
  return text;
}

// Operations take turns, each with its first file; one that comes later does not wait for all of another's.
TEST(operation_queues, take_turns) {
  linked_queue::links links(400);
  operation_queues q(links);
  for (file_id f = 0; f < 5; ++f) q.push_back(0, f);
  EXPECT_EQ(taken(q, 2), "0 1 ");
  q.push_back(1, 100);
  q.push_back(1, 101);
  q.push_back(2, 200);
  EXPECT_EQ(taken(q, 10), "2 100 200 3 101 4 ");
  EXPECT_TRUE(q.empty());
}

// What goes before the others goes before its own operation's.
TEST(operation_queues, to_the_front_of_its_own) {
  linked_queue::links links(400);
  operation_queues q(links);
  q.push_back(0, 1);
  q.push_back(1, 100);
  q.push_front(0, 2);
  EXPECT_EQ(taken(q, 10), "2 100 1 ");
}

// Any file may leave, first, last and only one, and the others keep their order.
TEST(operation_queues, any_may_leave) {
  for (const file_id leaves : {0u, 1u, 2u, 100u}) {
    linked_queue::links links(400);
    operation_queues q(links);
    for (const file_id f : {0u, 1u, 2u, 100u}) q.push_back(f / 100, f);
    q.erase(leaves / 100, leaves);
    EXPECT_EQ(q.size(), 3u);
    std::vector<file_id> rest;
    q.for_each([&](file_id f) { rest.push_back(f); });
    EXPECT_EQ(rest.size(), 3u);
    EXPECT_EQ(std::count(rest.begin(), rest.end(), leaves), 0);
    taken(q, 10);
    EXPECT_TRUE(q.empty());
  }
}

} // namespace
} // namespace hoist::core
