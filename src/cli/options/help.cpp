#include "cli/options/help.hpp"

#include "cli/base/exit_code.hpp"
#include "cli/base/process.hpp"
#include "cli/options/option_table.hpp"

#include <hoist/version.hpp>

#include <spdlog/fmt/fmt.h>

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hoist::cli {

namespace {

constexpr std::string_view exit_table = R"(
Exit status:
  0  every input has a URL                 5  stopped by --fail-fast or --max-errors
  1  finished, some files failed           6  stopped by --max-duration
  2  usage, configuration, or a ledger     130, 143  stopped by SIGINT, SIGTERM
     that cannot be opened                 128 + n   stopped by another signal, n
  3  nothing matched (--error-on-empty)    141  nobody reads the output any more
  4  fatal: key or TLS refused, API unreachable, storage refused; output, log or ledger no longer writable; no memory
)";

constexpr std::string_view upload_head =
    R"(Upload files and print a row with the public URL of each as soon as it is stored.

  hoist upload photos/                                   a directory, with all below it
  hoist upload -L urls.jsonl --include '*.jpg' photos/   rows to a file, progress on the terminal
  hoist upload --format url logo.png                     just the URL
  find . -name '*.mp4' -print0 | hoist upload -0 - | jq -r .public_url
  hoist upload --dry-run photos/                         what would happen, and why

Usage: hoist upload [OPTIONS] PATH...

PATH is a file, a directory, or '-' for a list of paths on stdin. The key comes from HOIST_API_KEY, EACHLABS_API_KEY,
EACH_API_KEY or --api-key-file. A file is taken when it matches an --include, if any are given, and no --exclude; a GLOB
without '/' is compared with the name, one with '/' with the path below PATH.
)";

constexpr std::string_view delete_head =
    R"(Delete stored files by id, and print a row for each.

  hoist delete urls.jsonl                                everything that a manifest of hoist upload has as done
  hoist delete 7f0c2c9e-...                              one id
  jq -r .id urls.jsonl | head -n 3 | hoist delete -      ids from stdin, one a line

Usage: hoist delete [OPTIONS] MANIFEST|ID...

MANIFEST is a file of rows as hoist upload writes them, or of ids, one a line; '-' is stdin. A word that is no file is an
ID. The ledger of an upload is not told: hoist upload --no-resume sends such files again. Rows say deleted (now, or
before), or failed with an error; not_stored is one that the API knows nothing of.
)";

constexpr std::string_view delete_exit_table = R"(
Exit status:
  0  every id is gone                      4  fatal: key or TLS refused, API unreachable
  1  finished, some are not                130, 143  stopped by SIGINT, SIGTERM
  2  usage or configuration                141  nobody reads the output any more
)";

constexpr std::string_view bench_head =
    R"(Measure an API and its storage as a program here would meet them, and delete what that made.

  hoist bench                                            three sizes, 1, 2, 4, ... at once until it brings no more
  hoist bench --size 1MiB -j 8,16,32 --duration 10s      one size, three concurrencies
  hoist bench --format json -y | jq                      JSON lines, without a question

Usage: hoist bench [OPTIONS]

Objects of random bytes are uploaded from memory. For each size and concurrency the first part, in which connections are
made, is not counted. The knee, marked <, is the least concurrency that comes within a tenth of the most that was reached;
"slowed down" counts answers 429 and 503. Ctrl-C ends the measuring and deletes; once more ends at once, and the ids of
what is left go to a file for hoist delete.
)";

constexpr std::string_view bench_exit_table = R"(
Exit status:
  0  measured, and nothing is left         4  fatal: key or TLS refused, API unreachable, storage refused
  1  some uploads failed, or objects are   130, 143  stopped by SIGINT, SIGTERM
     left (with --keep that is meant)      141  nobody reads the output any more
  2  usage or configuration
)";

/// Of which `option` is an example.
std::string variables_text(std::string_view option) {
  return fmt::format(
      "\nEvery option reads a variable as well, --{} for one {} (switches: 1, 0, true, false); a given\n"
      "option wins. A variable holds for every command that has the option, so HOIST_FORMAT is best not set for good.\n"
      "Durations read 10ms, 2s, 15m, 1h; sizes 64KiB, 100MB.\n",
      option, variable_of(option));
}

std::string spelling_of(const option_spec& option) {
  std::string text = option.letter != 0 ? fmt::format("-{}, ", option.letter) : std::string(4, ' ');
  text += "--" + std::string(option.name);
  if (option.metavar.empty()) return text;
  const bool optional = option.shape == option_shape::optional_choice;
  return text + (optional ? "[=" + std::string(option.metavar) + "]" : " " + std::string(option.metavar));
}

std::string option_lines(const command_spec& command) {
  std::string text;
  std::string_view group;
  for (const auto& option : command.options) {
    if (option.group != group) {
      group = option.group;
      text += fmt::format("\n{}:\n", group);
    }
    const auto spelling = spelling_of(option);
    // A spelling that reaches into the column of the texts gets a line of its own.
    text += spelling.size() > 30 ? fmt::format("  {}\n{:34}{}\n", spelling, "", option.help)
                                 : fmt::format("  {:<32}{}\n", spelling, option.help);
  }
  return text;
}

} // namespace

std::string general_help() {
  std::string text = R"(hoist: upload many files through a presign API, fast, and lose nothing.

  hoist upload photos/                       upload a directory, one JSON row per file
  hoist upload --format url logo.png         upload a file, print its URL
  hoist upload --dry-run photos/             say what would happen
  hoist delete urls.jsonl                    delete what a manifest names
  hoist bench                                how fast is the API from here, and what limits it?

Commands:
  upload [OPTIONS] PATH...                   hoist upload --help tells more; so for each
  delete [OPTIONS] MANIFEST|ID...
  bench [OPTIONS]
  completion bash|zsh|fish                   print a completion script for your shell
  --version                                  the version and what it is built with
)";
  return text.append(exit_table);
}

std::string upload_help() {
  std::string text(upload_head);
  text += option_lines(upload_spec());
  text += variables_text("max-errors");
  return text.append(exit_table);
}

std::string delete_help() {
  std::string text(delete_head);
  text += option_lines(delete_spec());
  text += variables_text("give-up-after");
  return text.append(delete_exit_table);
}

std::string bench_help() {
  std::string text(bench_head);
  text += option_lines(bench_spec());
  text += variables_text("max-bytes");
  return text.append(bench_exit_table);
}

std::string version_text() {
  return "hoist " + version() + "\n" + build_description() + "\n";
}

int print_text(std::string_view text) {
  while (!text.empty()) {
    const auto count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && (errno == EPIPE || errno == EBADF)) return exit_status::output_closed;
    if (count < 0) {
      complain("stdout cannot be written: " + std::generic_category().message(errno));
      return exit_status::fatal;
    }
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return exit_status::success;
}

} // namespace hoist::cli
