#include "cli/base/signal_watch.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <utility>
#include <vector>

namespace hoist::cli {
namespace {

using namespace std::chrono_literals;

/// As another process would: to the process, not to a thread of it.
void send(int number) {
  ::kill(::getpid(), number);
}

/// A signal belongs to a whole process: each case has one of its own, and says there whether it held.
#define IN_A_PROCESS_OF_ITS_OWN(...)                                                                                   \
  GTEST_FLAG_SET(death_test_style, "threadsafe");                                                                      \
  EXPECT_EXIT(                                                                                                         \
      {                                                                                                                \
        watch_for_ends();                                                                                              \
        __VA_ARGS__;                                                                                                   \
        ::_exit(::testing::Test::HasFailure() ? 1 : 0);                                                                \
      },                                                                                                               \
      ::testing::ExitedWithCode(0), "")

/// What was told to a run that ends its watch with the `last` ask.
struct told_run {
  explicit told_run(int last) : last_(last) {}

  boost::asio::io_context context;
  std::vector<end_ask> told;
  int last_;
  signal_watch watch{context,
                     [this](const end_ask& ask) {
                       told.push_back(ask);
                       if (static_cast<int>(told.size()) == last_) watch.end();
                     },
                     0ms};

  /// A signal is told once its echoes are over: what is sent then is another one.
  void wait_for(std::size_t count) {
    while (told.size() < count && context.run_one_for(10s) > 0) {
    }
    ASSERT_EQ(told.size(), count);
  }
};

// Each signal is told with its cause and how many there were; after the end nothing keeps the context busy.
void tells_each() {
  told_run run(2);
  run.watch.begin();
  send(SIGINT);
  run.wait_for(1);
  send(SIGTERM);
  run.context.run_for(10s);
  EXPECT_TRUE(run.context.stopped()) << "nothing is waited for";
  ASSERT_EQ(run.told.size(), 2u);
  EXPECT_EQ(run.told[0].cause, stop_cause::interrupted);
  EXPECT_EQ(run.told[0].nth, 1);
  EXPECT_EQ(run.told[1].cause, stop_cause::terminated);
  EXPECT_EQ(run.told[1].nth, 2);
  EXPECT_EQ(run.watch.seen(), 2);
}
TEST(signal_watch_death_test, tells_each) {
  IN_A_PROCESS_OF_ITS_OWN(tells_each());
}

// What came before the run listened is told when it does.
void tells_what_came_early() {
  told_run run(1);
  send(SIGUSR1);
  std::this_thread::sleep_for(200ms); // until it has been noted, which nobody is told of
  run.watch.begin();
  run.context.run_for(10s);
  ASSERT_EQ(run.told.size(), 1u);
  EXPECT_EQ(run.told[0].cause, cause_of(SIGUSR1));
}
TEST(signal_watch_death_test, tells_what_came_early) {
  IN_A_PROCESS_OF_ITS_OWN(tells_what_came_early());
}

// timeout(1) sends its signal to the child and to the child's group: that is one wish, and no second one.
void an_echo_is_no_second_signal() {
  told_run run(2);
  run.watch.begin();
  for (int i = 0; i < 3; ++i) send(SIGRTMIN); // which is queued each time, as others may be or not
  run.context.run_for(300ms);
  ASSERT_EQ(run.told.size(), 1u);
  EXPECT_EQ(run.told[0].nth, 1);
}
TEST(signal_watch_death_test, an_echo_is_no_second_signal) {
  IN_A_PROCESS_OF_ITS_OWN(an_echo_is_no_second_signal());
}

// A signal that has arrived but was not told yet when the end comes neither is told nor holds the context.
void regression_a_signal_on_its_way_does_not_outlive_the_end() {
  told_run run(-1);
  run.watch.begin();
  send(SIGTERM);
  std::this_thread::sleep_for(200ms); // its handler is queued by now
  run.watch.end();
  run.context.run_for(10s);
  EXPECT_TRUE(run.context.stopped());
  EXPECT_TRUE(run.told.empty());
}
TEST(signal_watch_death_test, regression_a_signal_on_its_way_does_not_outlive_the_end) {
  IN_A_PROCESS_OF_ITS_OWN(regression_a_signal_on_its_way_does_not_outlive_the_end());
}

// A trouble of the process is told as well; the first one counts.
void tells_a_trouble() {
  told_run run(1);
  run.watch.begin();
  ask_to_end(stop_cause::log_failed, EFBIG);
  ask_to_end(stop_cause::out_of_memory);
  run.context.run_for(10s);
  ASSERT_EQ(run.told.size(), 1u);
  EXPECT_EQ(run.told[0].cause, stop_cause::log_failed);
  EXPECT_EQ(run.told[0].error, EFBIG);
  EXPECT_EQ(run.told[0].nth, 0);
}
TEST(signal_watch_death_test, tells_a_trouble) {
  IN_A_PROCESS_OF_ITS_OWN(tells_a_trouble());
}

// Where nobody listens a signal ends the process, as the shell would see it.
void alone() {
  watch_for_ends();
  send(SIGHUP);
  for (;;) ::pause();
}
TEST(signal_watch_death_test, alone_it_ends_the_process) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(alone(), ::testing::ExitedWithCode(128 + SIGHUP), "");
}

// The second signal ends a process that hangs; the first one's number is what the shell sees.
void hang() {
  watch_for_ends();
  told_run run(-1);
  run.watch.begin();
  send(SIGTERM);
  run.wait_for(1);
  send(SIGINT);
  for (;;) ::pause();
}
TEST(signal_watch_death_test, whatever_hangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(hang(), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

// A fault of our own ends the process by its signal, with a core where one is wanted.
TEST(signal_watch_death_test, a_fault_is_no_wish) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto fault = [] {
    watch_for_ends();
    told_run run(-1);
    std::abort();
  };
  EXPECT_EXIT(fault(), ::testing::KilledBySignal(SIGABRT), "");
}

} // namespace
} // namespace hoist::cli
