#include "cli/signal_watch.hpp"

#include <gtest/gtest.h>

#include <boost/asio/post.hpp>

#include <chrono>
#include <csignal>
#include <utility>
#include <vector>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;

// Each signal is told with its number and how many there were; after the end nothing keeps the context busy.
TEST(signal_watch, tells_each) {
  boost::asio::io_context context;
  std::vector<std::pair<int, int>> told;
  signal_watch watch(context, [&](int number, int nth) {
    told.emplace_back(number, nth);
    if (nth == 1) std::raise(SIGTERM);
    if (nth == 2) watch.end();
  });
  watch.begin();
  std::raise(SIGINT);
  context.run_for(10s);
  EXPECT_TRUE(context.stopped()) << "nothing is waited for";
  EXPECT_EQ(told, (std::vector<std::pair<int, int>>{{SIGINT, 1}, {SIGTERM, 2}}));
  EXPECT_EQ(watch.seen(), 2);
}

// A signal that has arrived but was not told yet when the end comes neither is told nor holds the context.
TEST(signal_watch, regression_a_signal_on_its_way_does_not_outlive_the_end) {
  boost::asio::io_context context;
  int told = 0;
  signal_watch watch(context, [&](int, int) { ++told; });
  watch.begin();
  // While this runs, the reactor's next look finds the signal and queues its handler, behind `end`.
  boost::asio::post(context, [&] {
    std::raise(SIGINT);
    boost::asio::post(context, [&] { boost::asio::post(context, [&] { watch.end(); }); });
  });
  context.run_for(10s);
  EXPECT_TRUE(context.stopped());
  EXPECT_LE(told, 1);
}

} // namespace
} // namespace hoist::cli
