// The command `hoist`: finds the verb, and turns what goes wrong into a message and an exit status.

#include "cli/bench_command.hpp"
#include "cli/completion.hpp"
#include "cli/delete_command.hpp"
#include "cli/environment.hpp"
#include "cli/escape.hpp"
#include "cli/exit_code.hpp"
#include "cli/help.hpp"
#include "cli/upload_command.hpp"
#include "cli/usage_error.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace hoist::cli;

/// A descriptor of the first three that is closed would be given to the next file that is opened, and rows would land
/// in it. Read-only, so that writing to a closed stdout still fails.
void occupy_standard_descriptors() {
  while (true) {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd > STDERR_FILENO) ::close(fd);
    if (fd < 0 || fd > STDERR_FILENO) return;
  }
}

/// The soft limit is there for programs that use select(2); ours is better served by the hard one.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void complain(std::string_view text) {
  const std::string line = "hoist: error: " + std::string(text) + "\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

int print_completion(const std::vector<std::string>& words) {
  const auto script = words.size() == 3 ? completion_script(words[2]) : std::nullopt;
  if (!script) throw usage_error("name a shell: hoist completion bash|zsh|fish");
  return print_text(*script);
}

int run(const std::vector<std::string>& words) {
  const std::string verb = words.size() > 1 ? words[1] : "";
  if (verb == "upload") return upload_command(words, process_environment);
  if (verb == "delete") return delete_command(words, process_environment);
  if (verb == "bench") return bench_command(words, process_environment);
  if (verb == "completion") return print_completion(words);
  if (verb == "--version" || verb == "-V") return print_text(version_text());
  if (verb == "--help" || verb == "-h" || verb == "help") return print_text(general_help());
  if (verb.empty()) throw usage_error("name a command: upload, delete, bench or completion. See hoist --help.");
  if (verb.starts_with('-')) throw usage_error("the command comes first, as in hoist upload " + escaped(verb));
  throw usage_error("'" + escaped(verb) + "' is no command; use upload, delete, bench or completion. See hoist --help.");
}

} // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return run({argv, argv + argc});
  } catch (const usage_error& wrong) {
    complain(wrong.what());
    return exit_status::usage;
  } catch (const std::exception& failure) {
    complain(escaped(failure.what()));
    return exit_status::fatal;
  }
}
