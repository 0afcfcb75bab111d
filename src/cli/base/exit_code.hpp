#pragma once

// How a run ended, as the number that the shell sees. Pure.

#include <hoist/error.hpp>

#include <csignal>
#include <cstdint>
#include <string_view>

namespace hoist::cli {

/// Who ended the run before its inputs were through; the name in a summary's `stopped_by`. Each signal is a cause of
/// its own: its number, behind all others.
enum class stop_cause : std::uint8_t {
  none,
  too_many_errors,
  out_of_time,
  output_closed,
  output_failed,
  log_failed,
  out_of_memory,
  out_of_threads,
  signals, ///< no cause: from here on
  interrupted = signals + SIGINT,
  terminated = signals + SIGTERM,
};

std::string_view name_of(stop_cause cause);

namespace exit_status {
constexpr int success = 0;
constexpr int some_failed = 1;
constexpr int usage = 2;
constexpr int nothing_matched = 3;
constexpr int fatal = 4;
constexpr int too_many_errors = 5;
constexpr int out_of_time = 6;
constexpr int of_signals = 128; ///< and the signal's number, as a shell has it: 130 is SIGINT, 143 SIGTERM
constexpr int output_closed = 141;
} // namespace exit_status

struct ending {
  stop_cause cause = stop_cause::none;
  error_code error{};    ///< the run's
  bool complete = false; ///< every input was looked at and settled
  bool any_failed = false;
  bool any_taken = false; ///< something was done, failed or left unsettled
  bool error_on_empty = false;
};

int exit_code(const ending& e);

/// Of a signal: the cause it is; and back, where 0 is no signal.
stop_cause cause_of(int signal);
int signal_of(stop_cause cause);
/// Whether something of the process's own ended the run.
bool is_trouble(stop_cause cause);

/// What to do about an error that ended a run. Empty for none and for a cancellation.
std::string_view remedy_for(error_code ec);

} // namespace hoist::cli
