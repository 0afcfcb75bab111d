#include "server/base/folder.hpp"

#include <cerrno>
#include <memory>
#include <system_error>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace hoist::server {
namespace {

constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t folder_mode = 0700;

[[noreturn]] void fail_with(int code, const std::string& what) {
  throw std::system_error(code, std::generic_category(), what);
}

entry entry_of(const struct stat& found) {
  entry is;
  if (S_ISREG(found.st_mode)) is.kind = entry_kind::file;
  if (S_ISDIR(found.st_mode)) is.kind = entry_kind::folder;
  if (S_ISLNK(found.st_mode)) is.kind = entry_kind::link;
  is.owner = found.st_uid;
  is.mode = found.st_mode & 07777U;
  is.size = static_cast<std::uint64_t>(found.st_size);
  return is;
}

struct close_folder {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

} // namespace

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

bool entry::is_ours() const noexcept {
  return owner == ::geteuid();
}

void folder::fail(const char* what, const std::string& name) const {
  const int code = errno; // before the text is made, which may change it
  fail_with(code, what + (path_ / name).string());
}

folder folder::at(std::filesystem::path path) {
  unique_fd fd(::open(path.c_str(), folder_flags));
  if (!fd) fail_with(errno, "cannot open the folder " + path.string());
  return {std::move(fd), std::move(path)};
}

entry folder::itself() const {
  struct stat found {};
  if (::fstat(fd_.get(), &found) != 0) fail("cannot look at ", "");
  return entry_of(found);
}

std::optional<entry> folder::look(const std::string& name) const {
  struct stat found {};
  if (::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) return entry_of(found);
  if (errno == ENOENT) return std::nullopt;
  fail("cannot look at ", name);
}

std::vector<std::string> folder::names() const {
  // A descriptor of its own: the place in a listing belongs to what was opened.
  const int fd = ::openat(fd_.get(), ".", folder_flags);
  const std::unique_ptr<DIR, close_folder> stream(fd < 0 ? nullptr : ::fdopendir(fd));
  if (!stream) {
    const int code = errno;
    if (fd >= 0) ::close(fd);
    fail_with(code, "cannot list " + path_.string());
  }
  std::vector<std::string> found;
  errno = 0;
  while (const auto* each = ::readdir(stream.get())) {
    std::string name = each->d_name;
    if (name != "." && name != "..") found.push_back(std::move(name));
    errno = 0;
  }
  if (errno != 0) fail("cannot list ", "");
  return found;
}

folder folder::below(const std::string& name) const {
  unique_fd fd(::openat(fd_.get(), name.c_str(), folder_flags));
  if (!fd) fail("cannot open the folder ", name);
  return {std::move(fd), path_ / name};
}

std::optional<folder> folder::find_below(const std::string& name) const {
  unique_fd fd(::openat(fd_.get(), name.c_str(), folder_flags));
  if (!fd) return std::nullopt;
  return folder(std::move(fd), path_ / name);
}

void folder::make_below(const std::string& name) const {
  if (::mkdirat(fd_.get(), name.c_str(), folder_mode) != 0 && errno != EEXIST) fail("cannot make the folder ", name);
}

unique_fd folder::create(const std::string& name, mode_t mode) const {
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  unique_fd fd(::openat(fd_.get(), name.c_str(), flags, mode));
  if (!fd && errno != EEXIST) fail("cannot create ", name);
  return fd;
}

unique_fd folder::open_file(const std::string& name, int flags) const {
  // O_NONBLOCK: a FIFO in the place of a file must not be waited for.
  unique_fd fd(::openat(fd_.get(), name.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return fd;
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0) fail("cannot open ", name);
  if (!S_ISREG(found.st_mode)) fail_with(EINVAL, (path_ / name).string() + " is no regular file");
  return fd;
}

unique_fd folder::read(const std::string& name) const {
  return open_file(name, O_RDONLY);
}

unique_fd folder::append(const std::string& name) const {
  return open_file(name, O_WRONLY | O_APPEND);
}

unique_fd folder::find(const std::string& name) const noexcept {
  unique_fd fd(::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat found {};
  if (!fd || ::fstat(fd.get(), &found) != 0 || !S_ISREG(found.st_mode)) return {};
  return fd;
}

bool folder::remove(const std::string& name) const noexcept {
  struct stat found {};
  if (::fstatat(fd_.get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return entry_of(found).is_our_file() && ::unlinkat(fd_.get(), name.c_str(), 0) == 0;
}

bool folder::remove_folder(const std::string& name) const noexcept {
  return ::unlinkat(fd_.get(), name.c_str(), AT_REMOVEDIR) == 0;
}

void folder::move(const std::string& name, const folder& to, const std::string& new_name) const {
  const auto there = to.look(new_name);
  if (there && !there->is_our_file()) fail_with(EEXIST, "cannot replace " + (to.path_ / new_name).string());
  if (::renameat(fd_.get(), name.c_str(), to.fd_.get(), new_name.c_str()) != 0) {
    to.fail("cannot rename to ", new_name);
  }
}

void folder::replace(const std::string& name, std::string_view text, mode_t mode) const {
  const auto aside = name + ".new";
  remove(aside); // of a process that was killed
  const auto fd = create(aside, mode);
  if (!fd) fail_with(EEXIST, "cannot create " + (path_ / aside).string());
  write_all(fd.get(), text, "cannot write " + (path_ / aside).string());
  move(aside, *this, name);
}

void folder::sync() const {
  if (::fsync(fd_.get()) != 0) fail("cannot sync ", "");
}

void write_all(int fd, std::string_view bytes, const std::string& what) {
  while (!bytes.empty()) {
    const auto count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_with(errno, what);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

} // namespace hoist::server
