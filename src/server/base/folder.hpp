// A directory that is held open. What is done in it is done by name below its descriptor: whoever renames the folder,
// or puts a link in its place, leads nobody elsewhere.
//
// Invariants: no link is followed, nothing is truncated, no mode is changed; only what is made here gets a mode, and
// only regular files of this user are removed or replaced.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace hoist::server {

class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~unique_fd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

enum class entry_kind { file, folder, link, other };

// What lies under a name, the link itself if it is one.
struct entry {
  entry_kind kind = entry_kind::other;
  uid_t owner = 0;
  mode_t mode = 0; // permission bits
  std::uint64_t size = 0;

  [[nodiscard]] bool is_ours() const noexcept; // of the user that this process runs as
  [[nodiscard]] bool is_our_file() const noexcept { return kind == entry_kind::file && is_ours(); }
};

// All that fails throws std::system_error naming the path, except where it is said otherwise.
class folder {
 public:
  [[nodiscard]] static folder at(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] entry itself() const;
  [[nodiscard]] std::optional<entry> look(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> names() const; // in no order

  [[nodiscard]] folder below(const std::string& name) const;
  [[nodiscard]] std::optional<folder> find_below(const std::string& name) const; // nothing: cannot be opened
  void make_below(const std::string& name) const; // mode 0700; what is there already stays as it is

  // A fresh file to write. Not open: the name is taken.
  [[nodiscard]] unique_fd create(const std::string& name, mode_t mode = 0600) const;
  // A regular file. Not open: there is none of that name.
  [[nodiscard]] unique_fd read(const std::string& name) const;
  [[nodiscard]] unique_fd append(const std::string& name) const;
  // Not open: it cannot be had, whatever the reason.
  [[nodiscard]] unique_fd find(const std::string& name) const noexcept;

  // False when it is not there, or no regular file of ours; then it stays.
  bool remove(const std::string& name) const noexcept;
  bool remove_folder(const std::string& name) const noexcept; // an empty one
  void move(const std::string& name, const folder& to, const std::string& new_name) const;
  // Written aside and renamed, so that a process killed here leaves no half of it under the name.
  void replace(const std::string& name, std::string_view text, mode_t mode) const;
  void sync() const;

 private:
  folder(unique_fd fd, std::filesystem::path path) noexcept : fd_(std::move(fd)), path_(std::move(path)) {}
  [[nodiscard]] unique_fd open_file(const std::string& name, int flags) const;
  [[noreturn]] void fail(const char* what, const std::string& name) const;

  unique_fd fd_;
  std::filesystem::path path_;
};

// All of it; throws std::system_error that begins with `what`.
void write_all(int fd, std::string_view bytes, const std::string& what);

} // namespace hoist::server
