#include "cli/inputs/intake.hpp"

#include "cli/inputs/look_below.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace hoist::cli {

namespace {

constexpr std::size_t repeats_max = 100'000;

input failed(std::string path, errc code, std::string message) {
  return {input::fate::fail, std::move(path), skip_reason::none, code, std::move(message), std::nullopt};
}

input failed_by_system(std::string path, int error) {
  const bool missing = error == ENOENT || error == ENOTDIR;
  return failed(std::move(path), missing ? errc::source_missing : errc::source_unreadable, std::strerror(error));
}

input skipped(std::string path, skip_reason reason, std::optional<std::uint64_t> size = std::nullopt) {
  return {input::fate::skip, std::move(path), reason, errc::source_unreadable, {}, size};
}

input taken(std::string path, std::optional<std::uint64_t> size) {
  return {input::fate::take, std::move(path), skip_reason::none, errc::source_unreadable, {}, size};
}

std::string with_slash(std::string path) {
  if (!path.ends_with('/')) path += '/';
  return path;
}

std::string_view without_dot(std::string_view path) {
  while (path.starts_with("./")) path.remove_prefix(2);
  return path;
}

std::string_view name_in(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Whether the path goes back from a folder that it has named: "a/../b", not "../b".
bool goes_back(std::string_view path) {
  bool has_named = false;
  while (!path.empty()) {
    const auto part = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(part.size() + 1, path.size()));
    if (part == ".." && has_named) return true;
    if (!part.empty() && part != "." && part != "..") has_named = true;
  }
  return false;
}

/// Where in `path`, as given, `below` begins, which is its end when it is spelled plainly; else at its beginning.
std::size_t begin_of(std::string_view below, std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!path.ends_with(below)) return 0;
  const auto begin = path.size() - below.size();
  return (begin == 0 || path[begin - 1] == '/') && !goes_back(path.substr(0, begin)) ? begin : 0;
}

bool is_hidden(std::string_view below) {
  return below.starts_with('.') || below.find("/.") != std::string_view::npos;
}

} // namespace

intake::intake(intake_request request, own_files own, const stop_sign& stop)
    : request_(std::move(request))
    , own_(std::move(own))
    , stop_(stop)
    , lists_(request_.lists.begin(), request_.lists.end()) {
  if (!lists_.empty() || std::ranges::find(request_.paths, "-") != request_.paths.end()) taken_.expect_lists();
  for (auto& path : request_.paths) {
    if (path == "-" || taken_.name_root(normalised(request_.working_directory, path))) paths_.push_back(path);
  }
}

std::optional<input> intake::next() {
  while (!stop_.is_up() && !is_exhausted()) {
    auto found = step();
    // A reader that was stopped looks like a list that ended.
    if (stop_.is_up()) break;
    if (found) return found;
  }
  return std::nullopt;
}

/// One step of whatever is under way; nothing when it yielded no input.
std::optional<input> intake::step() {
  if (walk_) return next_walked();
  if (list_) return next_listed();
  return start_next();
}

std::optional<input> intake::start_next() {
  if (!paths_.empty()) {
    auto path = std::move(paths_.front());
    paths_.pop_front();
    return path == "-" ? open_list(path) : take_named(std::move(path), named_by::argument);
  }
  if (!lists_.empty()) {
    const auto list = std::move(lists_.front());
    lists_.pop_front();
    return open_list(list);
  }
  if (!repeats_.empty()) {
    auto path = std::move(repeats_.front());
    repeats_.pop_front();
    auto again = take_named(std::move(path), named_by::repeat);
    if (again) again->repeated = true;
    return again;
  }
  exhausted_.store(true, std::memory_order_release);
  return std::nullopt;
}

std::optional<input> intake::open_list(const std::string& name) {
  unique_fd fd = name == "-" ? copy_of(STDIN_FILENO) : unique_fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return failed_by_system(name, errno);
  list_name_ = name;
  list_.emplace(std::move(fd), request_.separator, stop_);
  return std::nullopt;
}

std::optional<input> intake::next_listed() {
  auto entry = list_->next();
  if (entry) return take_named(*std::move(entry), named_by::list);
  const auto error = stop_.is_up() ? std::string{} : list_->error();
  list_.reset();
  if (error.empty()) return std::nullopt;
  return failed(list_name_, errc::source_unreadable, "the list cannot be read: " + error);
}

std::optional<input> intake::take_named(std::string path, named_by how) {
  if (path.find('\0') != std::string::npos) {
    return failed(std::move(path), errc::source_missing,
                  "the entry holds a NUL byte; is the list separated by NUL? Then add -0");
  }
  const auto absolute = normalised(request_.working_directory, path);
  if (how == named_by::list && taken_.covers(absolute)) return std::nullopt;

  if (how != named_by::argument) {
    if (const auto walk = taken_.walk_above(absolute)) return take_below(*walk, std::move(path), absolute, how);
  }

  struct ::stat status {};
  if (::stat(path.c_str(), &status) != 0) return failed_by_system(std::move(path), errno);
  if (S_ISDIR(status.st_mode)) return begin_walk(std::move(path), absolute);
  if (how == named_by::list && defer_repeat(path, absolute)) return std::nullopt;
  if (!S_ISREG(status.st_mode)) {
    return failed(std::move(path), errc::source_not_regular, "it is no regular file (FIFO, socket or device)");
  }
  if (own_.holds(status, name_in(path))) return skipped(std::move(path), skip_reason::own_file);
  const std::string name(without_dot(path));
  return judge_file(std::move(path), name, status);
}

/// An entry below a directory that has been walked: it came later, or was passed over. Judged as the walk would judge
/// it now.
std::optional<input> intake::take_below(const taken_paths::walk& walk, std::string path, const std::string& absolute,
                                        named_by how) {
  for (auto slash = walk.below.find('/'); slash != std::string_view::npos; slash = walk.below.find('/', slash + 1)) {
    if (!enters(request_.rules, walk.below.substr(0, slash))) return skipped(std::move(path), skip_reason::excluded);
  }
  const auto seen = look_below(walk.root, walk.below);
  if (seen.error == ELOOP) return skipped(std::move(path), skip_reason::symlink);
  if (seen.error != 0) return failed_by_system(std::move(path), seen.error);
  if (S_ISDIR(seen.status.st_mode)) return walk_below(walk, seen, std::move(path), absolute);
  if (how == named_by::list && defer_repeat(path, absolute)) return std::nullopt;
  if (S_ISLNK(seen.status.st_mode)) return skipped(std::move(path), skip_reason::symlink);
  if (!S_ISREG(seen.status.st_mode)) return skipped(std::move(path), skip_reason::special);
  if (own_.holds(seen.status, seen.name)) return skipped(std::move(path), skip_reason::own_file);
  const auto link_free_from = begin_of(walk.below, path);
  auto file = judge_file(std::move(path), walk.below, seen.status);
  file.link_free_from = link_free_from;
  if (file.what == input::fate::take && is_hidden(walk.below)) hidden_taken_.fetch_add(1, std::memory_order_relaxed);
  return file;
}

input intake::judge_file(std::string path, std::string_view name, const struct ::stat& status) const {
  const auto size = static_cast<std::uint64_t>(status.st_size);
  auto reason = judge_name(request_.rules, name);
  if (reason == skip_reason::none) reason = judge_size(request_.rules, size);
  if (reason != skip_reason::none) return skipped(std::move(path), reason, size);
  return taken(std::move(path), size);
}

/// True when a list had it before: it is put off to the end. A list without an end would never get there: from so many
/// on these are files like others.
bool intake::defer_repeat(const std::string& path, const std::string& absolute) {
  if (taken_.take_listed(absolute) || repeats_.size() >= repeats_max) return false;
  repeats_.push_back(path);
  return true;
}

std::optional<input> intake::begin_walk(std::string path, const std::string& absolute) {
  unique_fd root(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) return failed_by_system(std::move(path), errno);
  taken_.begin_walk(absolute, path);
  path = with_slash(std::move(path));
  const auto own_part = path.size();
  start_walk(std::move(root), std::move(path), absolute, {}, own_part);
  return std::nullopt;
}

std::optional<input> intake::walk_below(const taken_paths::walk& walk, const seen_below& seen, std::string path,
                                        const std::string& absolute) {
  if (!enters(request_.rules, walk.below)) return skipped(with_slash(std::move(path)), skip_reason::excluded);
  unique_fd root = open_directory(seen);
  if (!root) return failed_by_system(std::move(path), errno);
  taken_.note_found(absolute);
  const auto link_free_from = begin_of(walk.below, path);
  start_walk(std::move(root), with_slash(std::move(path)), absolute, with_slash(std::string(walk.below)),
             link_free_from);
  return std::nullopt;
}

void intake::start_walk(unique_fd root, std::string path, const std::string& absolute, std::string above,
                        std::size_t link_free_from) {
  auto rule = [this](std::string_view below) { return judge_directory(below); };
  walk_.emplace(walk_state{tree_walk(std::move(root), std::move(rule)), std::move(path), with_slash(absolute),
                           std::move(above), link_free_from});
}

tree_walk::descent intake::judge_directory(std::string_view below) {
  const bool enter = enters(request_.rules, walk_->above + std::string(below));
  if (!taken_.walk_is_alone()) {
    const auto absolute = walk_->absolute + std::string(below);
    if (taken_.leaves_out(absolute)) return tree_walk::descent::leave_out;
    if (enter) taken_.note_found(absolute);
  }
  return enter ? tree_walk::descent::enter : tree_walk::descent::tell;
}

std::optional<input> intake::next_walked() {
  const auto item = walk_->tree.next();
  if (item) return judge_walked(*item);
  walk_.reset();
  return std::nullopt;
}

std::optional<input> intake::judge_walked(const tree_walk::item& item) {
  std::string absolute;
  if (!taken_.walk_is_alone() && item.what != tree_walk::kind::unreadable) {
    absolute = walk_->absolute + std::string(item.below);
    if (taken_.leaves_out(absolute)) return std::nullopt;
  }
  const std::string from_above = walk_->above.empty() ? std::string{} : walk_->above + std::string(item.below);
  const std::string_view seen_by_rules = from_above.empty() ? item.below : from_above;
  auto path = walk_->root + std::string(item.below);
  switch (item.what) {
  case tree_walk::kind::unreadable: return failed_by_system(std::move(path), item.error);
  case tree_walk::kind::directory: return skipped(with_slash(std::move(path)), skip_reason::excluded);
  case tree_walk::kind::symlink: return skipped(std::move(path), skip_reason::symlink);
  case tree_walk::kind::special: return skipped(std::move(path), skip_reason::special);
  case tree_walk::kind::regular: break;
  }

  auto reason = judge_name(request_.rules, seen_by_rules);
  const bool perhaps_own = own_.may_hold(item.inode, name_in(item.below));
  std::optional<std::uint64_t> size;
  if (perhaps_own ||
      (reason == skip_reason::none && (request_.rules.wants_sizes() || request_.sizes == size_wanted::always))) {
    const auto status = walk_->tree.stat_current();
    if (!status) return failed(std::move(path), errc::source_missing, "it vanished while its directory was read");
    size = static_cast<std::uint64_t>(status->st_size);
    if (perhaps_own && own_.holds(*status, name_in(item.below))) reason = skip_reason::own_file;
    if (reason == skip_reason::none) reason = judge_size(request_.rules, *size);
  }
  if (reason != skip_reason::none) return skipped(std::move(path), reason, size);
  if (is_hidden(seen_by_rules)) hidden_taken_.fetch_add(1, std::memory_order_relaxed);
  taken_.note_found(absolute);
  auto file = taken(std::move(path), size);
  file.link_free_from = walk_->link_free_from;
  return file;
}

} // namespace hoist::cli
