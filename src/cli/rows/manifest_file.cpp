#include "cli/rows/manifest_file.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/name_hash.hpp"
#include "cli/base/usage_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

namespace hoist::cli {

namespace {

constexpr std::string_view every_row_begins = R"({"v":1,"type":")";

[[noreturn]] void refuse(const std::string& file, std::string_view reason) {
  throw usage_error("--manifest: " + escaped(file) + ": " + std::string(reason));
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// A file that ends in an unfinished line is cut behind the last one that is whole. Nothing: it is no manifest.
std::optional<std::uint64_t> whole_lines(int fd) {
  std::array<char, 1 << 16> block;
  const auto size = static_cast<std::uint64_t>(::lseek(fd, 0, SEEK_END));
  const auto head = ::pread(fd, block.data(), every_row_begins.size(), 0);
  const auto begin = std::string_view(block.data(), static_cast<std::size_t>(std::max<ssize_t>(head, 0)));
  if (!every_row_begins.starts_with(begin)) return std::nullopt;
  for (auto end = size; end > 0;) {
    const auto count = std::min<std::uint64_t>(end, block.size());
    if (::pread(fd, block.data(), count, static_cast<off_t>(end - count)) != static_cast<ssize_t>(count))
      return std::nullopt;
    const auto newline = std::string_view(block.data(), count).rfind('\n');
    if (newline != std::string_view::npos) return end - count + newline + 1;
    end -= count;
  }
  return 0;
}

struct close_file {
  void operator()(std::FILE* f) const { std::fclose(f); }
};
using stream = std::unique_ptr<std::FILE, close_file>;

stream open_stream(const char* file, int flags, mode_t mode, const char* how) {
  unique_fd fd(::open(file, flags | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) fail(file);
  stream opened(::fdopen(fd.get(), how));
  if (!opened) fail(file);
  (void)fd.release(); // the stream's now
  return opened;
}

class line_reader {
 public:
  line_reader(std::FILE* in, std::uint64_t from) : in_(in) {
    if (::fseeko(in_, static_cast<off_t>(from), SEEK_SET) != 0) fail("seek");
  }
  ~line_reader() { std::free(buffer_); }
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  /// With its newline; empty at the end, where an unfinished line counts as none.
  std::string_view next() {
    const auto count = ::getline(&buffer_, &capacity_, in_);
    if (count <= 0 || buffer_[count - 1] != '\n') return {};
    return {buffer_, static_cast<std::size_t>(count)};
  }

 private:
  std::FILE* in_;
  char* buffer_ = nullptr;
  std::size_t capacity_ = 0;
};

bool is_summary(std::string_view line) {
  return line.starts_with(every_row_begins) && line.substr(every_row_begins.size()).starts_with("summary\"");
}

void write(std::FILE* out, std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), out) != text.size()) fail("write");
}

/// Of several rows about one file the last one stays, unless `superseded` has it. Lines that name no file stay.
void copy_earlier(std::FILE* in, std::uint64_t end, const name_hash& hash_of,
                  const std::unordered_set<std::uint64_t>& superseded, std::FILE* out) {
  std::unordered_map<std::uint64_t, std::uint64_t> last;
  const auto each = [&](auto&& use) {
    line_reader lines(in, 0);
    std::uint64_t at = 0;
    while (at < end) {
      const auto line = lines.next();
      if (line.empty()) break;
      if (!is_summary(line)) use(at, line);
      at += line.size();
    }
  };
  each([&](std::uint64_t at, std::string_view line) { last[hash_of(row_key(line))] = at; });
  each([&](std::uint64_t at, std::string_view line) {
    const auto key = row_key(line);
    const auto hash = hash_of(key);
    if (key.empty() || (!superseded.contains(hash) && last[hash] == at)) write(out, line);
  });
}

std::unordered_set<std::uint64_t> keys_from(std::FILE* in, std::uint64_t begin, const name_hash& hash_of) {
  std::unordered_set<std::uint64_t> keys;
  line_reader lines(in, begin);
  for (auto line = lines.next(); !line.empty(); line = lines.next()) keys.insert(hash_of(row_key(line)));
  return keys;
}

} // namespace

std::string_view row_key(std::string_view line) {
  constexpr std::string_view result = "result\",\"path";
  if (!line.starts_with(every_row_begins)) return {};
  auto rest = line.substr(every_row_begins.size());
  if (!rest.starts_with(result)) return {};
  rest.remove_prefix(result.size());
  // From `":"` or `_b64":"`, which tells the two spellings apart, to the quote that ends the value.
  auto at = rest.find(":\"");
  if (at == std::string_view::npos) return {};
  for (at += 2; at < rest.size(); ++at) {
    if (rest[at] == '\\') {
      ++at;
    } else if (rest[at] == '"') {
      return rest.substr(0, at + 1);
    }
  }
  return {};
}

void check_manifest(const std::string& file, existing_manifest policy) {
  struct ::stat status {};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_size == 0) return;
  switch (policy) {
  case existing_manifest::replace: return;
  case existing_manifest::refuse: refuse(file, "it exists; name another file, or replace it with --overwrite");
  case existing_manifest::refuse_alone:
    refuse(file,
           "it exists, but not the ledger that its rows came from; name that with --ledger, name another manifest, "
           "or replace it with --overwrite");
  case existing_manifest::go_on: break;
  }
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd && !whole_lines(fd.get()))
    refuse(file, "it exists and is no manifest of hoist's; name another file, or replace it with --overwrite");
}

manifest_file::manifest_file(std::string file, existing_manifest policy) : file_(std::move(file)) {
  struct ::stat status {};
  const bool exists = ::stat(file_.c_str(), &status) == 0;
  const bool regular = exists && S_ISREG(status.st_mode);
  check_manifest(file_, policy); // again: it may have come into being meanwhile
  const int how = exists && !regular                     ? O_WRONLY | O_APPEND
                  : !exists                              ? O_RDWR | O_CREAT | O_EXCL | O_APPEND
                  : policy == existing_manifest::replace ? O_RDWR | O_TRUNC | O_APPEND
                                                         : O_RDWR | O_APPEND;
  fd_ = unique_fd(::open(file_.c_str(), how | O_CLOEXEC, 0666));
  if (!fd_) refuse(file_, std::strerror(errno));
  if (exists && !regular) return;
  // A link stays a link: what it leads to is what is put right.
  std::error_code ignored;
  if (const auto real = std::filesystem::canonical(file_, ignored); !ignored) file_ = real.native();
  ::unlink(aside().c_str()); // of a run that was killed while it put the file right
  if (regular && policy == existing_manifest::go_on) go_on();
}

void manifest_file::go_on() {
  const auto end = whole_lines(fd_.get());
  if (!end) refuse(file_, "it cannot be read");
  if (::ftruncate(fd_.get(), static_cast<off_t>(*end)) != 0) refuse(file_, std::strerror(errno));
  rows_begin_ = *end;
}

std::filesystem::path manifest_file::aside() const {
  const std::filesystem::path file(file_);
  return file.parent_path() / ("." + file.filename().native() + ".hoist-new");
}

void manifest_file::finish(bool complete, std::string_view summary) {
  const auto in = open_stream(file_.c_str(), O_RDONLY, 0, "r");
  struct ::stat status {};
  if (::fstat(::fileno(in.get()), &status) != 0) fail("stat");
  const auto name = aside();
  ::unlink(name.c_str()); // somebody else's, be it a link or a FIFO
  auto out = open_stream(name.c_str(), O_WRONLY | O_CREAT | O_EXCL, status.st_mode & 0777, "w");
  try {
    if (!complete) {
      const name_hash hash;
      copy_earlier(in.get(), rows_begin_, hash, keys_from(in.get(), rows_begin_, hash), out.get());
    }
    line_reader lines(in.get(), rows_begin_);
    for (auto line = lines.next(); !line.empty(); line = lines.next()) write(out.get(), line);
    write(out.get(), summary);
    if (std::fflush(out.get()) != 0 || ::fdatasync(::fileno(out.get())) != 0) fail("write");
    if (std::rename(name.c_str(), file_.c_str()) != 0) fail("rename");
  } catch (...) {
    ::unlink(name.c_str());
    throw;
  }
}

} // namespace hoist::cli
