#include "server/storage/state_folder.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "server/base/encoding.hpp"
#include "server/base/usage_error.hpp"
#include "server/storage/state_names.hpp"

namespace hoist::server {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t path_length_max = 4096; // the kernel's
constexpr mode_t others_write = S_IWOTH;
constexpr mode_t others_any = S_IRWXG | S_IRWXO;

std::string shown(const fs::path& path) {
  return printable(path.string(), path_length_max);
}

[[noreturn]] void refuse(const fs::path& path, const std::string& reason, const std::string& remedy) {
  throw usage_error("--state '" + shown(path) + "': " + reason + "; " + remedy);
}

[[noreturn]] void refuse_as_foreign(const fs::path& path, const std::string& reason) {
  refuse(path, reason, "name an empty folder or a new one, such as " + shown(path / "hoist-server"));
}

[[noreturn]] void refuse_entry(const fs::path& path, const std::string& reason) {
  refuse(path, reason, "move it away, or name an empty folder or a new one");
}

// As given, but without what would have the system follow a link at its end: "link/", "link/.".
fs::path without_ending(const fs::path& wanted) {
  auto path = fs::absolute(wanted);
  while (path.has_relative_path() && (path.filename().empty() || path.filename() == ".")) path = path.parent_path();
  return path;
}

// Only a folder that is made here gets a mode.
void make_if_missing(const fs::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno != ENOENT) throw std::system_error(errno, std::generic_category(), "cannot look at " + path.string());
    fs::create_directories(path.parent_path());
    if (::mkdir(path.c_str(), S_IRWXU) == 0) return;
    if (errno != EEXIST) throw std::system_error(errno, std::generic_category(), "cannot make " + path.string());
    if (::lstat(path.c_str(), &found) != 0) found = {};
  }
  if (S_ISLNK(found.st_mode)) {
    std::error_code dangling;
    const auto target = fs::canonical(path, dangling);
    refuse(path, "it is a symbolic link, and links are not followed",
           dangling ? "name the folder itself" : "name the folder itself: " + shown(target));
  }
  if (!S_ISDIR(found.st_mode)) refuse(path, "it is not a folder", "name an empty folder or a new one");
}

folder made_temporary_folder() {
  auto pattern = (fs::temp_directory_path() / "hoist-server-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a folder in the temporary folder");
  return folder::at(pattern);
}

folder named_folder(const fs::path& wanted) {
  const auto path = without_ending(wanted);
  make_if_missing(path);
  return folder::at(path);
}

bool has_our_index(const folder& state) {
  const auto found = state.look(index_name);
  if (!found || !found->is_our_file()) return false;
  const auto file = state.read(index_name);
  std::array<char, index_title.size() + 1> first{};
  const auto count = file ? ::pread(file.get(), first.data(), first.size(), 0) : 0;
  return count == static_cast<ssize_t>(first.size()) &&
         std::string_view(first.data(), index_title.size()) == index_title && first.back() == '\n';
}

bool is_empty_folder_of_ours(const folder& state, const std::string& name, const entry& found) {
  return found.kind == entry_kind::folder && found.is_ours() && state.below(name).names().empty();
}

// Killed before its index was written: the lock, which comes first and is always empty, and nothing but names of ours.
// Only then; a folder with certificates alone may well be somebody's.
bool is_half_made(const folder& state, const std::vector<std::string>& names) {
  const auto lock = state.look(lock_name);
  if (!lock || !lock->is_our_file() || lock->size != 0) return false;
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    if (name == index_name) return false;
    const auto found = state.look(name);
    if (!found) return true; // it went meanwhile
    if (name == objects_name || name == aside_folder_name) return is_empty_folder_of_ours(state, name, *found);
    return is_state_file(name) && found->is_our_file();
  });
}

const char* what_it_is_instead(const entry& found, entry_kind wanted) {
  if (found.kind == entry_kind::link) return "it is a symbolic link, and links are not followed";
  if (found.kind != wanted) return wanted == entry_kind::folder ? "it is not a folder" : "it is no regular file";
  if (!found.is_ours()) return "it belongs to another user";
  return nullptr;
}

void refuse_what_is_in_the_way(const folder& state, const std::vector<std::string>& names) {
  for (const auto& name : names) {
    if (!is_state_file(name)) continue;
    const auto found = state.look(name);
    const auto* reason = found ? what_it_is_instead(*found, entry_kind::file) : nullptr;
    if (reason != nullptr) refuse_entry(state.path() / name, reason);
  }
  // The two folders are looked at before anything is made, so that a refusal leaves everything as it was.
  for (const auto* name : {objects_name, aside_folder_name}) {
    if (state.look(name)) (void)own_folder(state, name);
  }
}

// A file system without modes shows them on the lock as well, which is made with 0600.
bool modes_mean_nothing(const folder& state) {
  const auto lock = state.look(lock_name);
  return lock && lock->is_our_file() && (lock->mode & others_write) != 0;
}

void refuse_what_others_own(const folder& state) {
  const auto is = state.itself();
  if (!is.is_ours() && is.owner != 0) refuse_as_foreign(state.path(), "it belongs to another user");
  if ((is.mode & others_write) == 0 || modes_mean_nothing(state)) return;
  refuse(state.path(), "every user can write in it, and the keys lie there",
         "take that away (chmod o-w), or name an empty folder or a new one");
}

void warn_of_others(const folder& state) {
  const auto mode = state.itself().mode & others_any;
  if (mode == 0) return;
  spdlog::warn("state: other users can {} {}; its mode stays as it is, chmod 700 makes it private",
               (mode & (S_IWGRP | S_IWOTH)) != 0 ? "write in" : "look into", shown(state.path()));
}

void remove_bodies(const folder& objects) {
  for (const auto& name : objects.names()) {
    const auto bodies = is_body_folder(name) ? objects.find_below(name) : std::nullopt;
    if (!bodies) continue;
    for (const auto& body : bodies->names()) {
      if (parse_body_name(name, body)) bodies->remove(body);
    }
    objects.remove_folder(name);
  }
}

// By name, like everything that is removed: what somebody put into a temporary folder is not ours either.
void remove_contents(const folder& state) {
  if (const auto aside = state.find_below(aside_folder_name)) {
    for (const auto& name : aside->names()) {
      if (is_aside_name(name)) aside->remove(name);
    }
  }
  if (const auto objects = state.find_below(objects_name)) remove_bodies(*objects);
  state.remove_folder(aside_folder_name);
  state.remove_folder(objects_name);
  for (const auto& name : state.names()) {
    if (is_state_file(name)) state.remove(name);
  }
}

} // namespace

void refuse_foreign(const folder& state) {
  const auto names = state.names();
  if (!names.empty() && !has_our_index(state) && !is_half_made(state, names)) {
    refuse_as_foreign(state.path(), state.look(index_name)
                                        ? "it is not empty, and 'index' in it is none of hoist-server's"
                                        : "it is not empty and has no index of hoist-server's");
  }
  refuse_what_others_own(state);
  refuse_what_is_in_the_way(state, names);
}

folder own_folder(const folder& parent, const std::string& name) {
  if (const auto found = parent.look(name)) {
    if (const auto* reason = what_it_is_instead(*found, entry_kind::folder)) refuse_entry(parent.path() / name, reason);
  }
  return parent.below(name);
}

state_folder::state_folder(const fs::path& wanted)
    : state_folder(wanted.empty() ? made_temporary_folder() : named_folder(wanted),
                   wanted.empty() ? lifetime::temporary : lifetime::kept) {
  // What is in use is told as that, and not judged while another process makes it.
  const auto there = root_.look(lock_name);
  if (there && there->is_our_file() && there->size == 0) lock();
  refuse_foreign(root_);
  if (!lock_) lock();
  warn_of_others(root_);
}

void state_folder::lock() {
  (void)root_.create(lock_name); // or it is there
  lock_ = root_.append(lock_name);
  if (!lock_) throw std::runtime_error("cannot open " + (path() / lock_name).string());
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return;
  throw std::runtime_error("--state " + path().string() + " is in use by another hoist-server; stop it first");
}

state_folder::~state_folder() {
  if (lifetime_ == lifetime::kept) return;
  try {
    remove_contents(root_);
    // Of an empty folder alone; another one, that has come into its place, stays as well if there is anything in it.
    if (::rmdir(path().c_str()) == 0) return;
    spdlog::warn("state: {} stays, it has files that hoist-server did not make", shown(path()));
  } catch (const std::exception& error) {
    spdlog::warn("state: {} stays: {}", shown(path()), error.what());
  }
}

} // namespace hoist::server
