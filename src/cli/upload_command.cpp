#include "cli/upload_command.hpp"

#include "cli/arguments.hpp"
#include "cli/help.hpp"
#include "cli/key_file.hpp"
#include "cli/ledger_place.hpp"
#include "cli/log.hpp"
#include "cli/plan_run.hpp"
#include "cli/settings.hpp"
#include "cli/terminal.hpp"
#include "cli/upload_run.hpp"
#include "cli/usage_error.hpp"

#include <unistd.h>

namespace hoist::cli {

int upload_command(std::span<const std::string> words, const environment& variables) {
  const auto typed = parse_arguments(upload_spec(), words.subspan(2), variables);
  if (typed.is_on("help")) return print_text(upload_help());
  if (typed.is_on("version")) return print_text(version_text());

  auto s = settings_from(typed, variables);
  terminal screen(STDERR_FILENO, variables("TERM").value_or(""));
  const auto log = make_log(s, screen);
  if (!s.dry_run) {
    load_key(s);
    place_ledger(s);
  }
  for (const auto& notice : s.notices) log->warn("{}", notice);
  if (s.dry_run) return run_plan(s, screen);
  return run_upload(s, words, screen, log);
}

} // namespace hoist::cli
