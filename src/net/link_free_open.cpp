#include "net/link_free_open.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <utility>

namespace hoist::net {

namespace {

constexpr int folder_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

void close_quietly(int fd) noexcept {
  const int reason = errno; // of what is to be told
  if (fd >= 0) ::close(fd);
  errno = reason;
}

/// ELOOP when there is a link anywhere. Where there is none it is as cheap as a plain open.
int open_at_once(int folder, const char* path, int flags) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags);
  how.resolve = RESOLVE_NO_SYMLINKS;
  return static_cast<int>(::syscall(SYS_openat2, folder, path, &how, sizeof how)); // the C library has no name for it
}

/// A sandbox, or a kernel before 5.6.
bool must_go_by_steps() noexcept {
  return errno == EPERM || errno == ENOSYS;
}

/// A folder that is none, for O_NOFOLLOW, may be a link.
int open_folder(int above, const char* name) noexcept {
  const int fd = ::openat(above, name, folder_flags | O_NOFOLLOW);
  struct ::stat s {};
  if (fd < 0 && errno == ENOTDIR)
    errno = ::fstatat(above, name, &s, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(s.st_mode) ? ELOOP : ENOTDIR;
  return fd;
}

/// `name` is cut at each slash. Takes `folder` over.
int open_by_steps(int folder, char* name, int flags) noexcept {
  for (char* slash = nullptr; (slash = std::strchr(name, '/')) != nullptr; name = slash + 1) {
    *slash = '\0';
    const int next = *name == '\0' ? folder : open_folder(folder, name);
    if (next != folder) close_quietly(folder);
    folder = next;
    if (folder == -1) return -1;
  }
  const int fd = ::openat(folder, name, flags | O_NOFOLLOW);
  close_quietly(folder);
  return fd;
}

} // namespace

int open_link_free(const std::string& path, std::size_t from, int flags) noexcept {
  int fd = open_at_once(AT_FDCWD, path.c_str(), flags);
  if (fd >= 0 || (errno != ELOOP && !must_go_by_steps())) return fd;
  std::array<char, PATH_MAX> cut{};
  if (path.size() >= cut.size()) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::ranges::copy(path, cut.begin());
  std::size_t trusted = std::min(from, path.size());
  while (trusted > 0 && path[trusted - 1] != '/') --trusted;
  while (cut[trusted] == '/') ++trusted; // the rest must not begin at the root
  char* const name = cut.data() + trusted;
  int folder = AT_FDCWD;
  if (trusted > 0) {
    const char first = std::exchange(*name, '\0');
    folder = ::open(cut.data(), folder_flags);
    *name = first;
    if (folder < 0) return -1;
  }
  fd = open_at_once(folder, name, flags);
  if (fd < 0 && must_go_by_steps()) return open_by_steps(folder, name, flags);
  close_quietly(folder);
  return fd;
}

} // namespace hoist::net
