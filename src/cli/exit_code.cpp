#include "cli/exit_code.hpp"

#include <csignal>

namespace hoist::cli {

std::string_view name_of(stop_cause cause) {
  switch (cause) {
  case stop_cause::none: return "none";
  case stop_cause::interrupted: return "SIGINT";
  case stop_cause::terminated: return "SIGTERM";
  case stop_cause::too_many_errors: return "max_errors";
  case stop_cause::out_of_time: return "max_duration";
  case stop_cause::output_closed: return "output_closed";
  case stop_cause::output_failed: return "output_failed";
  }
  return "none";
}

int exit_code(const ending& e) {
  // What the library found fatal explains more than what was done about it.
  if (e.error && e.error != errc::cancelled) return exit_status::fatal;
  switch (e.cause) {
  case stop_cause::interrupted: return exit_status::interrupted;
  case stop_cause::terminated: return exit_status::terminated;
  case stop_cause::output_closed: return exit_status::output_closed;
  case stop_cause::output_failed: return exit_status::fatal;
  case stop_cause::too_many_errors: return exit_status::too_many_errors;
  case stop_cause::out_of_time:
    // Time was up while the last files finished: nothing was left out.
    if (!e.complete) return exit_status::out_of_time;
    break;
  case stop_cause::none:
    if (!e.complete) return exit_status::fatal;
    break;
  }
  if (e.any_failed) return exit_status::some_failed;
  if (!e.any_taken && e.error_on_empty) return exit_status::nothing_matched;
  return exit_status::success;
}

stop_cause cause_of(int signal) {
  return signal == SIGINT ? stop_cause::interrupted : stop_cause::terminated;
}

std::string_view remedy_for(error_code ec) {
  if (!ec || ec.category() != category()) return {};
  switch (static_cast<errc>(ec.value())) {
  case errc::key_refused: return "check HOIST_API_KEY or --api-key-file, and that the key is for this --endpoint";
  case errc::tls_refused: return "name the server's CA with --cacert FILE, or check --endpoint";
  case errc::api_unreachable: return "check --endpoint and the network";
  case errc::storage_refused: return "the API signs what its storage refuses: its signing secret, its rights there, and the clocks are to be checked";
  case errc::private_storage: return "if that is meant, add --allow-private-storage";
  case errc::ledger_failed: return "check the disk, or name another file with --ledger FILE";
  default: return {};
  }
}

} // namespace hoist::cli
