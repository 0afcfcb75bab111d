#include "engine/loop/spawn.hpp"

#include <boost/asio/post.hpp>

#include <gtest/gtest.h>

#include <new>

namespace hoist::engine {
namespace {

net::task<void> out_of_memory(net::asio::io_context& context) {
  co_await net::asio::post(context, net::use_task);
  throw std::bad_alloc();
}

// What ends a loop is not passed over in silence: the files it had would never settle.
TEST(spawn, regression_a_loop_that_throws) {
  net::asio::io_context context;
  spawn(context, out_of_memory(context));
  EXPECT_THROW(context.run(), std::bad_alloc);
}

} // namespace
} // namespace hoist::engine
