#include "cli/inputs/walk.hpp"

#include <fcntl.h>

#include <cerrno>
#include <utility>

namespace hoist::cli {

namespace {

constexpr int going_down = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr int going_up = O_PATH | O_DIRECTORY | O_CLOEXEC;

unsigned char type_of(const struct ::stat& status) {
  if (S_ISREG(status.st_mode)) return DT_REG;
  if (S_ISDIR(status.st_mode)) return DT_DIR;
  if (S_ISLNK(status.st_mode)) return DT_LNK;
  return DT_FIFO;
}

} // namespace

tree_walk::tree_walk(unique_fd root, descent_rule rule) : rule_(std::move(rule)) {
  // The stream needs a descriptor of its own: its offset must not be shared with `root_`.
  unique_fd own(::openat(root.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  root_error_ = own ? open_directory(std::move(own), 0) : errno;
  root_ = std::move(root);
}

std::optional<tree_walk::item> tree_walk::next() {
  if (root_error_ != 0) return item{kind::unreadable, {}, 0, std::exchange(root_error_, 0)};
  while (!levels_.empty()) {
    const bool has_pending = levels_.back().at < levels_.back().pending.size();
    auto found = reading_ ? read_entry() : has_pending ? descend() : ascend();
    if (found) return found;
  }
  return std::nullopt;
}

/// Nothing: an entry that needs no telling, or the end of this directory.
std::optional<tree_walk::item> tree_walk::read_entry() {
  errno = 0;
  const auto* entry = ::readdir(stream_.get());
  if (entry != nullptr) return classify(*entry);
  reading_ = false;
  if (errno == 0) return std::nullopt;
  const int error = errno;
  path_.resize(levels_.back().path_size);
  std::string_view below = path_;
  if (!below.empty()) below.remove_suffix(1);
  return item{kind::unreadable, below, 0, error};
}

std::optional<tree_walk::item> tree_walk::classify(const dirent& entry) {
  const std::string_view name = entry.d_name;
  if (name == "." || name == "..") return std::nullopt;
  auto type = entry.d_type;
  if (type == DT_UNKNOWN) {
    struct ::stat status {};
    if (::fstatat(here(), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      const int error = errno;
      return item{kind::unreadable, path_of(name), entry.d_ino, error};
    }
    type = type_of(status);
  }
  if (type == DT_DIR) return visit_directory(name, entry.d_ino);
  const auto what = type == DT_REG ? kind::regular : type == DT_LNK ? kind::symlink : kind::special;
  return item{what, path_of(name), entry.d_ino, 0};
}

std::optional<tree_walk::item> tree_walk::visit_directory(std::string_view name, ino_t inode) {
  const auto below = path_of(name);
  switch (rule_(below)) {
  case descent::leave_out: return std::nullopt;
  case descent::tell: return item{kind::directory, below, inode, 0};
  case descent::enter: break;
  }
  auto& pending = levels_.back().pending;
  pending += name;
  pending += '\0';
  return std::nullopt;
}

std::optional<tree_walk::item> tree_walk::descend() {
  auto& parent = levels_.back();
  const char* name = parent.pending.data() + parent.at;
  const std::string_view text = name;
  parent.at += text.size() + 1;
  const auto below = path_of(text);
  unique_fd fd(::openat(here(), name, going_down));
  const auto path_size = path_.size() + 1;
  const int error = fd ? open_directory(std::move(fd), path_size) : errno;
  if (error != 0) return item{kind::unreadable, below, 0, error};
  path_ += '/';
  return std::nullopt;
}

/// Takes `fd` as the directory to read next. Returns an errno, and then nothing has changed.
int tree_walk::open_directory(unique_fd fd, std::size_t path_size) {
  struct ::stat status {};
  if (::fstat(fd.get(), &status) != 0) return errno;
  DIR* stream = ::fdopendir(fd.get());
  if (stream == nullptr) return errno;
  [[maybe_unused]] const int now_owned_by_the_stream = fd.release();
  stream_.reset(stream);
  here_.reset();
  levels_.push_back({{}, 0, status.st_dev, status.st_ino, path_size});
  reading_ = true;
  return 0;
}

/// Up to the nearest directory that has others left to enter.
std::optional<tree_walk::item> tree_walk::ascend() {
  std::size_t climbs = 0;
  while (!levels_.empty() && levels_.back().at >= levels_.back().pending.size()) {
    levels_.pop_back();
    ++climbs;
  }
  if (levels_.empty()) return std::nullopt;
  path_.resize(levels_.back().path_size);
  const int error = reopen(climbs);
  if (error == 0) return std::nullopt;
  levels_.back().at = levels_.back().pending.size();
  std::string_view below = path_;
  if (!below.empty()) below.remove_suffix(1);
  return item{kind::unreadable, below, 0, error};
}

/// ".." may lead elsewhere when a directory was moved meanwhile, and it needs the right to search the child; the way
/// from the root needs neither.
int tree_walk::reopen(std::size_t climbs) {
  const auto& target = levels_.back();
  const auto is_target = [&](int fd) {
    struct ::stat status {};
    return ::fstat(fd, &status) == 0 && status.st_dev == target.device && status.st_ino == target.inode;
  };
  unique_fd up(::openat(here(), "..", going_up));
  while (up && --climbs > 0) up = unique_fd(::openat(up.get(), "..", going_up));
  if (!up || !is_target(up.get())) up = open_from_root();
  if (!up) return errno;
  stream_.reset();
  here_ = std::move(up);
  return 0;
}

unique_fd tree_walk::open_from_root() const {
  unique_fd fd(::openat(root_.get(), ".", going_up));
  std::string_view rest = path_;
  while (fd && !rest.empty()) {
    const std::string name(rest.substr(0, rest.find('/')));
    rest.remove_prefix(name.size() + 1);
    fd = unique_fd(::openat(fd.get(), name.c_str(), going_up | O_NOFOLLOW));
  }
  return fd;
}

int tree_walk::here() const {
  return stream_ ? ::dirfd(stream_.get()) : here_.get();
}

std::string_view tree_walk::path_of(std::string_view name) {
  path_.resize(levels_.back().path_size);
  path_ += name;
  return path_;
}

std::optional<struct ::stat> tree_walk::stat_current() const {
  const auto slash = path_.rfind('/');
  const char* name = path_.c_str() + (slash == std::string::npos ? 0 : slash + 1);
  struct ::stat status {};
  if (::fstatat(here(), name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return status;
}

} // namespace hoist::cli
