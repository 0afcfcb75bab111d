#include "cli/inputs/look_below.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace hoist::cli {

namespace {

constexpr int passing = O_PATH | O_DIRECTORY | O_CLOEXEC;

/// For O_DIRECTORY a link is no directory.
int reason_of(int folder, const char* name, int error) {
  struct ::stat status {};
  if (error != ENOTDIR || ::fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return error;
  return S_ISLNK(status.st_mode) ? ELOOP : error;
}

} // namespace

seen_below look_below(const std::string& root, std::string_view below) {
  seen_below seen;
  seen.folder = unique_fd(::open(root.c_str(), passing));
  if (!seen.folder) {
    seen.error = errno;
    return seen;
  }
  for (auto slash = below.find('/'); slash != std::string_view::npos; slash = below.find('/')) {
    seen.name = below.substr(0, slash);
    below.remove_prefix(slash + 1);
    unique_fd next(::openat(seen.folder.get(), seen.name.c_str(), passing | O_NOFOLLOW));
    if (!next) {
      seen.error = reason_of(seen.folder.get(), seen.name.c_str(), errno);
      return seen;
    }
    seen.folder = std::move(next);
  }
  seen.name = below;
  if (::fstatat(seen.folder.get(), seen.name.c_str(), &seen.status, AT_SYMLINK_NOFOLLOW) != 0) seen.error = errno;
  return seen;
}

unique_fd open_directory(const seen_below& seen) {
  return unique_fd(::openat(seen.folder.get(), seen.name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

} // namespace hoist::cli
