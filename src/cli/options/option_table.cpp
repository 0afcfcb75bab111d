#include "cli/options/option_table.hpp"

#include <algorithm>
#include <array>

namespace hoist::cli {

namespace {

using enum option_shape;
using enum value_kind;

constexpr std::string_view inputs = "What to take";
constexpr std::string_view target = "Where to";
constexpr std::string_view pace = "How fast, how long";
constexpr std::string_view records = "Results";
constexpr std::string_view messages = "Messages (stderr)";

constexpr auto upload_table = std::to_array<option_spec>({
    {inputs, "from0", '0', flag, text, "", "lists are separated by NUL, as find -print0 writes them", "null"},
    {inputs, "files-from", 0, repeated, file, "FILE", "take the paths listed in FILE; '-' is stdin", ""},
    {inputs, "include", 0, repeated, text, "GLOB", "take only files that match an include", "include-pattern"},
    {inputs, "exclude", 0, repeated, text, "GLOB", "take no file that matches; matching directories are not entered",
     "exclude-pattern"},
    {inputs, "min-size", 0, value, text, "SIZE", "skip smaller files", ""},
    {inputs, "max-size", 0, value, text, "SIZE", "skip larger files", ""},
    {inputs, "content-type", 0, value, text, "TYPE", "media type of every file, instead of by extension", ""},
    {inputs, "type-map", 0, value, file, "FILE", "lines 'extension type' that go before the built-in table", ""},
    {inputs, "error-on-empty", 0, flag, text, "", "exit 3 when nothing matched", ""},
    {inputs, "dry-run", 'n', flag, text, "",
     "say on stdout what would happen to each file, ledgers aside; no key, no request", "dryrun"},

    {target, "endpoint", 0, value, text, "URL", "origin of the API (https://api.eachlabs.ai)", "endpoint-url"},
    {target, "api-key-file", 0, value, file, "FILE",
     "read the key from FILE instead of HOIST_API_KEY, EACHLABS_API_KEY, EACH_API_KEY", ""},
    {target, "cacert", 0, repeated, file, "FILE", "trust these certificates as well (PEM)", "ca-bundle ca-cert"},
    {target, "allow-private-storage", 0, flag, text, "", "follow a public API to storage at a private address", ""},
    {target, "allow-plain-http", 0, flag, text, "", "speak http without TLS beyond this machine", ""},
    {target, "expires-in", 0, value, text, "DUR", "how long the API keeps the files: 60s to 365d", ""},
    {target, "url-lifetime", 0, value, text, "DUR",
     "a signed URL is believed to die this long after it was asked for (15m); a bare number is seconds", ""},

    {pace, "concurrency", 'j', value, text, "N|auto", "PUTs in flight in the whole process (auto)",
     "transfers numworkers num-workers max-workers parallel-max"},
    {pace, "threads", 0, value, text, "N", "threads that move bytes (the machine's cores, at most 4)", ""},
    {pace, "presign-concurrency", 0, value, text, "N|auto", "presign requests in flight (auto)", ""},
    {pace, "presign-depth", 0, value, text, "N|auto", "of these, unanswered on one connection (auto, up to 16)", ""},
    {pace, "retries", 0, value, text, "N", "tries after the first that a file may use (no count, only time)",
     "retry-count retry"},
    {pace, "give-up-after", 0, value, text, "DUR", "how long one file's failures may go on (15m)", ""},
    {pace, "fail-fast", 0, flag, text, "", "stop at the first failed file (exit 5)", "fail-early exit-on-error"},
    {pace, "max-errors", 0, value, text, "N", "stop when N files have failed (exit 5)", ""},
    {pace, "max-duration", 0, value, text, "DUR", "take no more files after this long (exit 6)", ""},
    {pace, "tls-offload", 0, value, choice, "auto|off",
     "let the kernel encrypt large files where it can, or never (auto)", ""},
    {pace, "verify", 0, value, choice, "md5|size", "check what was stored by digest or by size (size)", ""},

    {records, "manifest", 'L', value, file, "FILE", "write the rows to FILE instead of stdout; '-' is stdout",
     "manifest-path"},
    {records, "overwrite", 0, flag, text, "", "replace a manifest that exists, instead of going on with it", ""},
    {records, "format", 0, value, choice, "jsonl|url",
     "what goes to stdout: rows, or the URL of each done file (jsonl)", "output-type"},
    {records, "ledger", 0, value, file, "FILE",
     "the durable record that lets the same command resume (beside the manifest)", ""},
    {records, "no-resume", 0, flag, text, "", "upload everything again", ""},
    {records, "retry-failed", 0, flag, text, "", "of what is not done, upload only what failed before", ""},
    {records, "rekey", 0, flag, text, "", "take over a ledger made with another key of the same account", ""},

    {messages, "progress", 'P', optional_choice, choice, "auto|bar|plain|none",
     "a bar on a terminal, a line now and then elsewhere (auto); alone: bar", "show-progress"},
    {messages, "no-progress", 0, flag, text, "", "the same as --progress none", ""},
    {messages, "stats", 0, value, text, "DUR", "time between progress lines (10s)", "progress-frequency"},
    {messages, "quiet", 'q', flag, text, "", "errors and the final failure only", "only-show-errors"},
    {messages, "verbose", 'v', flag, text, "", "say more; -vv says everything", ""},
    {messages, "log-level", 0, value, choice, "trace|debug|info|warning|error|off", "what is said (warning)", "log"},
    {messages, "log-file", 0, value, file, "FILE", "append the log to FILE as well, with times", ""},
    {messages, "no-summary", 0, flag, text, "", "no summary on stderr at the end", ""},
    {messages, "help", 'h', flag, text, "", "show this help", ""},
    {messages, "version", 'V', flag, text, "", "show the version and what it is built with", ""},
});

/// An option of `upload` that another command has as well.
constexpr option_spec same(std::string_view name) {
  for (const auto& option : upload_table)
    if (option.name == name) return option;
  throw "no such option of upload";
}

constexpr std::string_view work = "What to measure";

constexpr auto delete_table = std::to_array<option_spec>({
    {inputs, "dry-run", 'n', flag, text, "", "say what would be deleted; no key, no request", "dryrun"},
    same("endpoint"),
    same("api-key-file"),
    same("cacert"),
    same("allow-plain-http"),
    {pace, "concurrency", 'j', value, text, "N|auto", "requests in flight (auto)", ""},
    {pace, "retries", 0, value, text, "N", "tries after the first that an id may use (no count, only time)", "retry"},
    {pace, "give-up-after", 0, value, text, "DUR", "how long one id's failures may go on (15m)", ""},
    same("quiet"),
    same("verbose"),
    same("log-level"),
    same("log-file"),
    same("no-summary"),
    same("help"),
    same("version"),
});

constexpr auto bench_table = std::to_array<option_spec>({
    {work, "size", 's', value, text, "SIZE,...", "sizes of the objects (4KiB,256KiB,4MiB)", "sizes"},
    {work, "concurrency", 'j', value, text, "N,...|auto",
     "PUTs in flight: these, or 1, 2, 4, ... until more brings no more (auto)", ""},
    {work, "duration", 'd', value, text, "DUR", "time for each size and concurrency (5s)", "time"},
    {work, "count", 0, value, text, "N", "objects for each size and concurrency, however long they take", ""},
    {work, "max-bytes", 0, value, text, "SIZE", "send no more than this in all (1GB)", ""},
    {work, "max-objects", 0, value, text, "N", "make no more objects than this in all (20000)", ""},
    {work, "yes", 'y', flag, text, "", "begin without asking", ""},
    {work, "keep", 0, flag, text, "", "leave the objects where they are; their ids go to the file of --left", ""},
    {work, "left", 0, value, file, "FILE",
     "append the ids of objects that are still there to FILE (hoist-bench-left.ids)", ""},
    same("endpoint"),
    same("api-key-file"),
    same("cacert"),
    same("allow-private-storage"),
    same("allow-plain-http"),
    {target, "expires-in", 0, value, text, "DUR", "how long the API keeps what could not be deleted: 60s to 365d (1h)",
     ""},
    same("threads"),
    {records, "format", 0, value, choice, "text|json", "tables, or a JSON line for each measurement (text)", ""},
    {messages, "progress", 'P', optional_choice, choice, "auto|bar|plain|none",
     "a bar on a terminal, a line for each measurement elsewhere (auto); alone: bar", ""},
    same("no-progress"),
    same("quiet"),
    same("verbose"),
    same("log-level"),
    same("log-file"),
    same("help"),
    same("version"),
});

constexpr auto all_commands = std::to_array<command_spec>({
    {"upload", "upload files and print their URLs", true, upload_table},
    {"delete", "delete stored files by id", true, delete_table},
    {"bench", "measure an API and its storage from here", false, bench_table},
});

bool has_alias(const option_spec& option, std::string_view name) {
  bool found = false;
  for_each_piece(option.aliases, ' ', [&](std::string_view alias) { found = found || alias == name; });
  return found;
}

} // namespace

const option_spec* command_spec::find(std::string_view option) const {
  const auto at =
      std::ranges::find_if(options, [&](const option_spec& o) { return o.name == option || has_alias(o, option); });
  return at == options.end() ? nullptr : &*at;
}

const option_spec* command_spec::find(char letter) const {
  const auto at =
      std::ranges::find_if(options, [&](const option_spec& o) { return o.letter != 0 && o.letter == letter; });
  return at == options.end() ? nullptr : &*at;
}

const command_spec& upload_spec() {
  return all_commands[0];
}

const command_spec& delete_spec() {
  return all_commands[1];
}

const command_spec& bench_spec() {
  return all_commands[2];
}

std::span<const command_spec> commands() {
  return all_commands;
}

std::string variable_of(std::string_view option) {
  std::string name = "HOIST_";
  for (const char c : option) {
    const bool lower = c >= 'a' && c <= 'z';
    name += c == '-' ? '_' : lower ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

bool is_choice(const option_spec& option, std::string_view word) {
  bool found = false;
  for_each_piece(option.metavar, '|', [&](std::string_view choice_word) { found = found || choice_word == word; });
  return found;
}

} // namespace hoist::cli
