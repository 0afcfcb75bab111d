#pragma once

// How a run ended, as the number that the shell sees. Pure.

#include <hoist/error.hpp>

#include <cstdint>
#include <string_view>

namespace hoist::cli {

/// Who ended the run before its inputs were through; the name in a summary's `stopped_by`.
enum class stop_cause : std::uint8_t {
  none,
  interrupted,
  terminated,
  too_many_errors,
  out_of_time,
  output_closed,
  output_failed
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
constexpr int interrupted = 130;
constexpr int terminated = 143;
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

/// Of a signal: the cause it is.
stop_cause cause_of(int signal);

/// What to do about an error that ended a run. Empty for none and for a cancellation.
std::string_view remedy_for(error_code ec);

} // namespace hoist::cli
