#include "cli/upload/upload_command.hpp"

#include "cli/base/terminal.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/options/arguments.hpp"
#include "cli/options/help.hpp"
#include "cli/options/key_file.hpp"
#include "cli/options/ledger_place.hpp"
#include "cli/options/settings.hpp"
#include "cli/rows/log.hpp"
#include "cli/upload/plan_run.hpp"
#include "cli/upload/upload_run.hpp"

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
