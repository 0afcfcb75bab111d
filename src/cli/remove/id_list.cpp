#include "cli/remove/id_list.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <simdjson.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace hoist::cli {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// "shots/urls.jsonl" is a file that is not there, whatever else it may be.
bool looks_like_a_file(std::string_view word) {
  return word.find('/') != std::string_view::npos || word.ends_with(".jsonl") || word.ends_with(".ids");
}

/// What comes through a pipe is kept on disk first: its writer may take its time, and a deletion that waits for it
/// could not be stopped.
unique_fd kept(unique_fd fd, const std::string& word) {
  struct ::stat seen {};
  if (::fstat(fd.get(), &seen) == 0 && S_ISREG(seen.st_mode)) return fd;
  std::string name = (std::getenv("TMPDIR") != nullptr ? std::getenv("TMPDIR") : "/tmp");
  name += "/hoist-ids-XXXXXX";
  unique_fd copy(::mkostemp(name.data(), O_CLOEXEC));
  if (!copy) throw std::system_error(errno, std::generic_category(), name);
  ::unlink(name.c_str());
  std::array<char, 1 << 16> block;
  while (true) {
    const auto count = ::read(fd.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw std::system_error(errno, std::generic_category(), escaped(word));
    if (count == 0) break;
    for (std::string_view rest(block.data(), static_cast<std::size_t>(count)); !rest.empty();) {
      const auto written = ::write(copy.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) throw std::system_error(errno, std::generic_category(), name);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  ::lseek(copy.get(), 0, SEEK_SET);
  return copy;
}

unique_fd open_list(const std::string& word) {
  if (word == "-") return kept(copy_of(STDIN_FILENO), word);
  struct ::stat seen {};
  if (::stat(word.c_str(), &seen) != 0) {
    if (looks_like_a_file(word)) throw usage_error(escaped(word) + ": " + std::strerror(errno));
    return unique_fd();
  }
  if (S_ISDIR(seen.st_mode)) throw usage_error(escaped(word) + " is a directory; name a manifest or an id");
  unique_fd fd(::open(word.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) throw usage_error(escaped(word) + ": " + std::strerror(errno));
  return kept(std::move(fd), word);
}

} // namespace

line_meaning meaning_of(std::string_view line) {
  using enum line_meaning::kind;
  const auto text = trimmed(line);
  if (text.empty()) return {nothing_stored, {}};
  if (!text.starts_with('{')) {
    if (text.find_first_of(" \t,;\"") != std::string_view::npos) return {};
    return {id, std::string(text)};
  }
  static thread_local simdjson::dom::parser parser;
  simdjson::dom::element row;
  std::string_view type, status, id_text;
  if (parser.parse(text.data(), text.size()).get(row) || row["type"].get(type)) return {};
  if (type != "result" || row["id"].get(id_text)) return {nothing_stored, {}};
  if (!row["status"].get(status) && status == "deleted") return {nothing_stored, {}};
  return {id, std::string(id_text)};
}

void id_list::free_line::operator()(char* p) const {
  std::free(p);
}

id_list::id_list(std::span<const std::string> words) {
  for (const auto& word : words) {
    if (word.empty()) throw usage_error("an ID is empty; name a manifest, an id, or '-' for a list on stdin");
    entry one{word, nullptr};
    if (unique_fd fd = open_list(word)) {
      one.lines.reset(::fdopen(fd.get(), "r"));
      if (!one.lines) throw usage_error(escaped(word) + ": " + std::strerror(errno));
      (void)fd.release(); // the stream's now
    }
    entries_.push_back(std::move(one));
  }
}

std::optional<std::string> id_list::next() {
  for (; at_ < entries_.size(); ++at_) {
    entry& from = entries_[at_];
    if (!from.lines) return entries_[at_++].word;
    if (auto id = next_of(from)) return id;
    from.lines.reset();
  }
  return std::nullopt;
}

std::optional<std::string> id_list::next_of(entry& from) {
  while (true) {
    char* buffer = line_.release();
    const auto count = ::getline(&buffer, &capacity_, from.lines.get());
    line_.reset(buffer);
    if (count < 0) {
      if (std::ferror(from.lines.get()) != 0)
        throw std::system_error(errno, std::generic_category(), escaped(from.word));
      return std::nullopt;
    }
    const std::string_view line(buffer, static_cast<std::size_t>(count));
    auto meaning = meaning_of(line);
    if (meaning.what == line_meaning::kind::id) return std::move(meaning.id);
    if (meaning.what == line_meaning::kind::unreadable && line.ends_with('\n')) ++unreadable_;
  }
}

} // namespace hoist::cli
