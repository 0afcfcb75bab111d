// Rows and the file that keeps them: a row is one harmless line that says what the report said and is found again by
// its file's name; a manifest that a run goes on with keeps one row for each file, the last, and what it cannot read.
//
// The input is what an earlier run left, an empty line, and what this run writes. `@` begins a line that is made a row.

#include "cli/base/usage_error.hpp"
#include "cli/remove/id_list.hpp"
#include "cli/rows/manifest_file.hpp"
#include "cli/rows/rows.hpp"
#include "fuzz.hpp"

#include <boost/system/system_error.hpp>
#include <simdjson.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <system_error>

#include <sys/mman.h>

namespace {

using namespace hoist;
using fuzz::require;

/// The report about the file `name`, as a row.
std::string row_of(std::string_view name, std::string_view words) {
  file_report report;
  report.path = std::string(name);
  report.size = words.size();
  report.id = words;
  report.public_url = words;
  report.content_type = words;
  if (words.size() % 3 == 0) {
    report.error = make_error_code(errc::source_missing);
    report.details.message = words;
    report.details.server_message = words;
    report.details.storage_code = words;
  }
  return cli::result_row(report);
}

void check_row(std::string_view name, std::string_view words) {
  const auto row = row_of(name, words);
  require(row.ends_with('\n') && row.find('\n') == row.size() - 1, "a row is one line");
  require(!cli::row_key(row).empty(), "a row names its file");
  require(cli::row_key(row) == cli::row_key(row_of(name, "other")), "rows about one file have one key");
  require(cli::row_key(row) != cli::row_key(row_of(std::string(name) + "x", words)), "rows about two files have two");
  static simdjson::dom::parser parser;
  simdjson::dom::element read;
  require(parser.parse(row).get(read) == simdjson::SUCCESS, "a row is JSON");
  std::string_view path;
  if (read["path"].get(path) == simdjson::SUCCESS)
    require(path == name, "a row has its file's name as it is");
  else
    require(read["path_b64"].get(path) == simdjson::SUCCESS, "or as bytes");
  const auto meaning = cli::meaning_of(row);
  if (words.empty()) return;
  require(meaning.what == cli::line_meaning::kind::id, "a row of something stored is an id to delete");
  std::string_view id;
  require(read["id"].get(id) == simdjson::SUCCESS && meaning.id == id, "and it is that of the row");
}

/// Lines that begin with '@' become rows; the others stay.
std::string lines_from(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const auto line = fuzz::take_line(text);
    if (!line.starts_with('@')) {
      out += line;
      if (newline != std::string_view::npos) out += '\n';
      continue;
    }
    const auto name = line.substr(1, 3);
    out += row_of(name, line.substr(1 + name.size()));
    check_row(name, line.substr(1 + name.size()));
  }
  return out;
}

std::string content(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

constexpr std::string_view summary = R"({"v":1,"type":"summary","complete":true})"
                                     "\n";

/// What the file must hold at the end, from the rule alone: of several rows about one file the last one.
std::string expected(std::string_view earlier, std::string_view own) {
  std::map<std::string, std::size_t> last; // by key; places in `lines`
  std::vector<std::string_view> lines;
  std::set<std::string, std::less<>> superseded;
  const auto whole_lines = [](std::string_view text, auto use) {
    while (!text.empty()) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) break;
      use(text.substr(0, end + 1));
      text.remove_prefix(end + 1);
    }
  };
  whole_lines(own, [&](std::string_view line) { superseded.emplace(cli::row_key(line)); });
  whole_lines(earlier, [&](std::string_view line) {
    if (line.starts_with(R"({"v":1,"type":"summary")")) return;
    last[std::string(cli::row_key(line))] = lines.size();
    lines.push_back(line);
  });
  std::string out;
  for (std::size_t n = 0; n < lines.size(); ++n) {
    const std::string key(cli::row_key(lines[n]));
    if (key.empty() || (last[key] == n && !superseded.contains(key))) out += lines[n];
  }
  whole_lines(own, [&](std::string_view line) { out += line; });
  return out.append(summary);
}

const std::string& place() {
  static const struct made {
    std::string folder = "/dev/shm/hoist-fuzz-XXXXXX", file;
    made() {
      if (::mkdtemp(folder.data()) == nullptr) std::abort();
      file = folder + "/m.jsonl";
    }
    ~made() { std::filesystem::remove_all(folder); }
  } scratch;
  return scratch.file;
}

void write_all(int fd, std::string_view text) {
  if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
}

void check_going_on(const std::string& earlier, const std::string& own) {
  const auto& file = place();
  for (const bool complete : {false, true}) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << earlier;
    try {
      cli::manifest_file manifest(file, cli::existing_manifest::go_on);
      const auto kept = content(file);
      require(earlier.starts_with(kept) && (kept.empty() || kept.ends_with('\n')),
              "only an unfinished last line is cut");
      require(earlier.find('\n', kept.size()) == std::string::npos, "and no whole line");
      const auto fd = manifest.take_descriptor();
      write_all(fd.get(), own);
      require(content(file) == kept + own, "this run's rows come behind");
      manifest.finish(complete, summary);
      require(content(file) == expected(complete ? std::string_view{} : std::string_view(kept), own),
              "one row for each file, and the summary");
    } catch (const cli::usage_error&) {
      require(content(file) == earlier, "a file that is refused stays as it is");
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto gap = std::min(text.find("\n\n"), text.size());
  const auto earlier = lines_from(text.substr(0, std::min(gap + 1, text.size())));
  auto own = lines_from(text.substr(std::min(gap + 2, text.size())));
  // The writer of rows writes whole lines.
  if (!own.empty() && !own.ends_with('\n')) own += '\n';
  check_going_on(earlier, own);
  return 0;
}
