#include "net/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace hoist::net {
namespace {

// Batches are large until many of them wait for their peers, and large again when those are gone: the memory that a
// thousand connections hold is bounded.
TEST(buffer_pool, batches_are_small_while_many_wait) {
  buffer_pool pool;
  std::vector<buffer_pool::block> waiting;
  while (pool.batch_limit() == batch_bytes) {
    ASSERT_LT(waiting.size(), 1000u);
    waiting.push_back(pool.borrow());
  }
  EXPECT_EQ(waiting.size(), 64u);
  EXPECT_EQ(pool.batch_limit(), small_batch_bytes);
  pool.give_back(std::move(waiting.back()));
  EXPECT_EQ(pool.batch_limit(), batch_bytes);
}

// The block that came back last is lent first: its bytes are the ones that are still in the cache.
TEST(buffer_pool, last_back_first_lent) {
  buffer_pool pool;
  auto one = pool.borrow(), two = pool.borrow();
  const char* const last = two.get();
  pool.give_back(std::move(one));
  pool.give_back(std::move(two));
  EXPECT_EQ(pool.borrow().get(), last);
}

} // namespace
} // namespace hoist::net
