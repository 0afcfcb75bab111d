#include "cli/bench/bench_command.hpp"

#include "cli/base/units.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/bench/bench_run.hpp"
#include "cli/bench/bench_settings.hpp"
#include "cli/options/endpoint.hpp"
#include "cli/options/help.hpp"
#include "cli/options/key_file.hpp"
#include "cli/rows/log.hpp"

#include <spdlog/fmt/fmt.h>

#include <unistd.h>

#include <iostream>
#include <string>

namespace hoist::cli {

namespace {

std::string notice(const bench_settings& s) {
  const auto most = most_sent(s.limits, s.sizes, s.cells_max(), s.count);
  return fmt::format("sending at most {} in {} objects to {}, which are {}", size_text(static_cast<double>(most.bytes)),
                     most.objects, s.common.library.endpoint, s.keep ? "kept there" : "then deleted");
}

/// Traffic and objects may cost money, so a person is asked; a script is not, nor whoever asks a server of this
/// machine.
bool is_asked(const bench_settings& s) {
  const auto where = parse_endpoint(s.common.library.endpoint);
  return s.ask && !(where && where->loopback) && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

bool is_agreed(const std::string& what) {
  const auto question = "hoist: " + what + ". Begin? [y/N] ";
  if (::write(STDERR_FILENO, question.data(), question.size()) < 0) return false;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

} // namespace

int bench_command(std::span<const std::string> words, const environment& variables) {
  const auto typed = parse_arguments(bench_spec(), words.subspan(2), variables);
  if (typed.is_on("help")) return print_text(bench_help());
  if (typed.is_on("version")) return print_text(version_text());

  auto s = bench_settings_from(typed, variables);
  terminal screen(STDERR_FILENO, variables("TERM").value_or(""));
  const auto log = make_log(s.common, screen);
  load_key(s.common);
  if (is_asked(s)) {
    if (!is_agreed(notice(s))) throw usage_error("nothing was begun; -y begins without asking");
  } else if (s.common.log_level <= verbosity::warning) {
    screen.print("hoist: " + notice(s));
  }
  return run_bench(s, screen, log);
}

} // namespace hoist::cli
