#include "cli/base/exit_code.hpp"

#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

namespace hoist::cli {

namespace {

constexpr int signals_max = 64;

/// The C library knows these names as well, but not each version of it does.
std::string name_of_signal(int number) {
  switch (number) {
  case SIGHUP: return "SIGHUP";
  case SIGINT: return "SIGINT";
  case SIGQUIT: return "SIGQUIT";
  case SIGILL: return "SIGILL";
  case SIGTRAP: return "SIGTRAP";
  case SIGABRT: return "SIGABRT";
  case SIGBUS: return "SIGBUS";
  case SIGFPE: return "SIGFPE";
  case SIGUSR1: return "SIGUSR1";
  case SIGSEGV: return "SIGSEGV";
  case SIGUSR2: return "SIGUSR2";
  case SIGALRM: return "SIGALRM";
  case SIGTERM: return "SIGTERM";
  case SIGXCPU: return "SIGXCPU";
  case SIGVTALRM: return "SIGVTALRM";
  case SIGPROF: return "SIGPROF";
  case SIGIO: return "SIGIO";
  case SIGPWR: return "SIGPWR";
  case SIGSYS: return "SIGSYS";
#ifdef SIGSTKFLT
  case SIGSTKFLT: return "SIGSTKFLT";
#endif
  default: break;
  }
  if (number >= SIGRTMIN) return "SIGRTMIN+" + std::to_string(number - SIGRTMIN);
  return "signal " + std::to_string(number);
}

std::vector<std::string> names_of_signals() {
  std::vector<std::string> names;
  for (int number = 0; number <= signals_max; ++number) names.push_back(name_of_signal(number));
  return names;
}

} // namespace

std::string_view name_of(stop_cause cause) {
  static const auto signals = names_of_signals();
  if (const int number = signal_of(cause)) return signals[static_cast<std::size_t>(number)];
  switch (cause) {
  case stop_cause::too_many_errors: return "max_errors";
  case stop_cause::out_of_time: return "max_duration";
  case stop_cause::output_closed: return "output_closed";
  case stop_cause::output_failed: return "output_failed";
  case stop_cause::log_failed: return "log_failed";
  case stop_cause::out_of_memory: return "out_of_memory";
  case stop_cause::out_of_threads: return "out_of_threads";
  default: return "none";
  }
}

int exit_code(const ending& e) {
  // What the library found fatal explains more than what was done about it.
  if (e.error && e.error != errc::cancelled) return exit_status::fatal;
  if (const int number = signal_of(e.cause)) return exit_status::of_signals + number;
  switch (e.cause) {
  case stop_cause::output_closed: return exit_status::output_closed;
  case stop_cause::output_failed:
  case stop_cause::log_failed:
  case stop_cause::out_of_memory:
  case stop_cause::out_of_threads: return exit_status::fatal;
  case stop_cause::too_many_errors: return exit_status::too_many_errors;
  case stop_cause::out_of_time:
    // Time was up while the last files finished: nothing was left out.
    if (!e.complete) return exit_status::out_of_time;
    break;
  default:
    if (!e.complete) return exit_status::fatal;
    break;
  }
  if (e.any_failed) return exit_status::some_failed;
  if (!e.any_taken && e.error_on_empty) return exit_status::nothing_matched;
  return exit_status::success;
}

stop_cause cause_of(int signal) {
  return static_cast<stop_cause>(static_cast<int>(stop_cause::signals) + std::clamp(signal, 1, signals_max));
}

int signal_of(stop_cause cause) {
  return std::clamp(static_cast<int>(cause) - static_cast<int>(stop_cause::signals), 0, signals_max);
}

bool is_trouble(stop_cause cause) {
  return cause == stop_cause::log_failed || cause == stop_cause::out_of_memory || cause == stop_cause::out_of_threads;
}

std::string_view remedy_for(error_code ec) {
  if (!ec || ec.category() != category()) return {};
  switch (static_cast<errc>(ec.value())) {
  case errc::key_refused: return "check HOIST_API_KEY or --api-key-file, and that the key is for this --endpoint";
  case errc::tls_refused: return "name the server's CA with --cacert FILE, or check --endpoint";
  case errc::api_unreachable: return "check --endpoint and the network";
  case errc::storage_refused:
    return "the API signs what its storage refuses: its signing secret, its rights there, and the clocks are to be "
           "checked";
  case errc::private_storage: return "if that is meant, add --allow-private-storage";
  case errc::ledger_failed: return "check the disk, or name another file with --ledger FILE";
  default: return {};
  }
}

} // namespace hoist::cli
