#include "cli/base/exit_code.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace hoist::cli {
namespace {

struct ending_case {
  const char* name;
  ending input;
  int expected;
};

// One table of endings and what the shell sees.
TEST(exit_code, table) {
  const auto ended = [](stop_cause cause) {
    return ending{.cause = cause, .error = errc::cancelled, .any_taken = true};
  };
  const ending_case cases[] = {
      {"all done", {.complete = true, .any_taken = true}, 0},
      {"some failed", {.complete = true, .any_failed = true, .any_taken = true}, 1},
      {"nothing there", {.complete = true}, 0},
      {"nothing there, and that matters", {.complete = true, .error_on_empty = true}, 3},
      {"something there", {.complete = true, .any_taken = true, .error_on_empty = true}, 0},
      {"key refused", {.error = errc::key_refused}, 4},
      {"fatal although asked to stop", {.cause = stop_cause::interrupted, .error = errc::tls_refused}, 4},
      {"ended for no reason we know", {}, 4},
      {"too many errors", ended(stop_cause::too_many_errors), 5},
      {"the last file was one error too many",
       {.cause = stop_cause::too_many_errors, .complete = true, .any_failed = true},
       5},
      {"out of time", ended(stop_cause::out_of_time), 6},
      {"out of time while the last file finished",
       {.cause = stop_cause::out_of_time, .complete = true, .any_taken = true},
       0},
      {"SIGINT", ended(stop_cause::interrupted), 130},
      {"SIGTERM", ended(stop_cause::terminated), 143},
      {"reader gone", ended(stop_cause::output_closed), 141},
      {"SIGHUP", ended(cause_of(SIGHUP)), 129},
      {"the last real-time signal", ended(cause_of(SIGRTMAX)), 128 + SIGRTMAX},
      {"disk full", ended(stop_cause::output_failed), 4},
      {"the log's disk full", ended(stop_cause::log_failed), 4},
      {"no memory", ended(stop_cause::out_of_memory), 4},
      {"no thread", ended(stop_cause::out_of_threads), 4},
  };
  for (const auto& c : cases) EXPECT_EQ(exit_code(c.input), c.expected) << c.name;
}

// A signal is its own cause, by a name that people know.
TEST(exit_code, signals) {
  EXPECT_EQ(cause_of(SIGINT), stop_cause::interrupted);
  EXPECT_EQ(cause_of(SIGTERM), stop_cause::terminated);
  EXPECT_EQ(name_of(cause_of(SIGQUIT)), "SIGQUIT");
  EXPECT_EQ(name_of(cause_of(SIGRTMIN + 3)), "SIGRTMIN+3");
  for (int number = 1; number <= SIGRTMAX; ++number) {
    EXPECT_EQ(signal_of(cause_of(number)), number);
    EXPECT_FALSE(is_trouble(cause_of(number)));
  }
  for (const auto other :
       {stop_cause::none, stop_cause::output_failed, stop_cause::out_of_memory, stop_cause::out_of_threads})
    EXPECT_EQ(signal_of(other), 0);
}

// Every error that ends a run comes with something to do.
TEST(exit_code, remedies) {
  for (const auto code : {errc::key_refused, errc::tls_refused, errc::api_unreachable, errc::storage_refused,
                          errc::private_storage, errc::ledger_failed}) {
    EXPECT_FALSE(remedy_for(code).empty());
  }
  EXPECT_TRUE(remedy_for(errc::cancelled).empty());
  EXPECT_TRUE(remedy_for({}).empty());
}

} // namespace
} // namespace hoist::cli
