// The command `hoist`: finds the verb, and turns what goes wrong into a message and an exit status.

#include "cli/base/end_watch.hpp"
#include "cli/base/environment.hpp"
#include "cli/base/escape.hpp"
#include "cli/base/exit_code.hpp"
#include "cli/base/process.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/bench/bench_command.hpp"
#include "cli/options/completion.hpp"
#include "cli/options/help.hpp"
#include "cli/remove/delete_command.hpp"
#include "cli/upload/upload_command.hpp"

#include <exception>
#include <new>
#include <string>
#include <vector>

namespace {

using namespace hoist::cli;

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
  throw usage_error("'" + escaped(verb) +
                    "' is no command; use upload, delete, bench or completion. See hoist --help.");
}

} // namespace

int main(int argc, char** argv) {
  prepare_process();
  try {
    watch_for_ends();
    return run({argv, argv + argc});
  } catch (const usage_error& wrong) {
    // What cannot be made without memory looks like an option that is refused.
    const bool memory = trouble_so_far().cause == stop_cause::out_of_memory;
    complain(memory ? memory_text() : wrong.what());
    return memory ? exit_status::fatal : exit_status::usage;
  } catch (const std::bad_alloc&) {
    complain(memory_text());
    return exit_status::fatal;
  } catch (const std::exception& failure) {
    complain(escaped(failure.what()));
    return exit_status::fatal;
  }
}
