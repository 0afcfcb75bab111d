#include "net/file_source.hpp"

#include "net/link_free_open.hpp"
#include "net/sigpipe_guard.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace hoist::net {

namespace {

std::int64_t nanoseconds(const timespec& t) noexcept {
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

file_identity identity_of(const struct stat& s) noexcept {
  return {static_cast<std::uint64_t>(s.st_size), s.st_dev, s.st_ino, nanoseconds(s.st_mtim), nanoseconds(s.st_ctim)};
}

source_check failed(int error) noexcept {
  const bool gone = error == ENOENT || error == ENOTDIR;
  return {gone ? source_status::missing : source_status::unreadable, error, {}};
}

/// As ::pread, but for signals.
ssize_t read_at(int descriptor, char* out, std::size_t bytes, std::uint64_t position) noexcept {
  for (;;) {
    const auto got = ::pread(descriptor, out, bytes, static_cast<off_t>(position));
    if (got >= 0 || errno != EINTR) return got;
  }
}

bool follows_links(const source& s) noexcept {
  return s.link_free_from == std::string::npos;
}

source_check checked(const struct stat& s) noexcept {
  if (S_ISLNK(s.st_mode)) return {source_status::not_regular, ELOOP, {}};
  if (!S_ISREG(s.st_mode)) return {source_status::not_regular, 0, {}};
  return {source_status::ok, 0, identity_of(s)};
}

} // namespace

source_check look_at(const source& s) noexcept {
  struct stat seen {};
  const int result = follows_links(s) ? ::stat(s.path.c_str(), &seen) : ::lstat(s.path.c_str(), &seen);
  return result == 0 ? checked(seen) : failed(errno);
}

source_check file_source::open(const source& s, const file_identity& expected) noexcept {
  close();
  position_ = 0;
  sendable_ = begun_ = cold_ = false;
  if (s.memory) {
    memory_ = s.memory;
    size_ = memory_->size();
    return {source_status::ok, 0, expected};
  }
  // O_NONBLOCK: opening a FIFO that took the file's place must not hang; for a regular file it means nothing.
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  descriptor_ =
      follows_links(s) ? ::open(s.path.c_str(), flags) : open_link_free(s.path.native(), s.link_free_from, flags);
  if (descriptor_ < 0 && errno == ELOOP && !follows_links(s)) return {source_status::not_regular, ELOOP, {}};
  if (descriptor_ < 0) return failed(errno);
  struct stat now {};
  if (::fstat(descriptor_, &now) != 0) return failed(errno);
  source_check result = checked(now);
  if (result.status == source_status::ok && !(result.identity == expected)) result.status = source_status::changed;
  identity_ = result.identity;
  size_ = identity_.size;
  if (result.status == source_status::ok && size_ == 0) result = look_behind_the_end(result);
  sendable_ = size_ >= sendfile_bytes_min;
  return result;
}

/// The kernel's own files (/proc, /sys) claim to be empty and are not. A file that grew just now says so by its size.
source_check file_source::look_behind_the_end(source_check result) const noexcept {
  char first = 0;
  const auto got = read_at(descriptor_, &first, 1, 0);
  if (got < 0) return failed(errno);
  if (got > 0 && unchanged()) result.status = source_status::not_regular;
  return result;
}

source_status file_source::read(std::span<char> out, std::size_t& n) noexcept {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left()));
  n = 0;
  cold_ = false;
  if (memory_) {
    std::memcpy(out.data(), memory_->data() + position_, wanted);
    n = wanted;
  } else if (!begun_ && wanted > 0) {
    if (at_once(out.first(wanted))) n = wanted;
    if (cold_) return source_status::ok;
  }
  while (n < wanted) {
    const auto got = read_at(descriptor_, out.data() + n, wanted - n, position_ + n);
    if (got <= 0) return got == 0 ? source_status::changed : source_status::unreadable; // changed: it shrank
    n += static_cast<std::size_t>(got);
  }
  position_ += n;
  if (md5_) digest(out.first(n));
  return source_status::ok;
}

/// Finished with its last byte, so that the padding is digested along with the rest.
void file_source::digest(std::span<const char> piece) noexcept {
  if (left() > 0)
    md5_->update(piece);
  else
    md5_->finish(piece);
}

source_status file_source::send_to(int socket, std::size_t most, std::size_t& n, error_code& ec) noexcept {
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(most, left()));
  auto at = static_cast<off_t>(position_);
  n = 0;
  ec = {};
  cold_ = false;
  if (!begun_) {
    std::array<char, 1> first;
    static_cast<void>(at_once(first));
    if (cold_) return source_status::ok;
  }
  ssize_t sent = 0;
  int error = 0;
  {
    const sigpipe_guard quiet; // sendfile knows no MSG_NOSIGNAL
    do {
      sent = ::sendfile(socket, descriptor_, &at, wanted);
      error = errno;
    } while (sent < 0 && error == EINTR);
  }
  if (sent > 0) {
    n = static_cast<std::size_t>(sent);
    position_ += n;
    return source_status::ok;
  }
  if (sent == 0) return source_status::changed; // it shrank
  if (error == EAGAIN) {
    ec = asio::error::would_block;
    return source_status::ok;
  }
  if (error == EINVAL || error == ENOSYS) {
    sendable_ = false;
    return source_status::ok;
  }
  // One number for two places where trouble can be: the file is asked by itself.
  const auto state = ask_file();
  if (state == source_status::ok) ec = system_error(error);
  return state;
}

source_status file_source::ask_file() const noexcept {
  char one = 0;
  const auto got = read_at(descriptor_, &one, 1, position_);
  return got > 0 ? source_status::ok : got == 0 ? source_status::changed : source_status::unreadable;
}

/// The first bytes of the file, all of them, if that means no waiting; cold_ if it does. Neither: nothing is known.
bool file_source::at_once(std::span<char> out) noexcept {
  begun_ = true;
  if (slow_device_ == identity_.device) return false;
  const iovec into{out.data(), out.size()};
  const auto got = ::preadv2(descriptor_, &into, 1, 0, RWF_NOWAIT);
  if (got == static_cast<ssize_t>(out.size())) return true;
  if (got < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) slow_device_ = identity_.device;
  cold_ = got > 0 || (got < 0 && errno == EAGAIN);
  return false;
}

disk_wait file_source::from_disk() noexcept {
  cold_ = false;
  return {descriptor_, static_cast<std::size_t>(std::min<std::uint64_t>(first_fetch_bytes, size_))};
}

// Asked for here, so that the disk works on all cold files at once, however few threads wait.
disk_wait::disk_wait(int descriptor, std::size_t bytes) noexcept
    : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0)), bytes_(bytes) {
  ::posix_fadvise(descriptor, 0, static_cast<off_t>(bytes_), POSIX_FADV_WILLNEED);
}

disk_wait::~disk_wait() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

/// One byte of each end: the disk gives what lies between with them. Should it not, whoever reads waits a little.
void disk_wait::operator()() const noexcept {
  char byte = 0;
  for (const std::size_t at : {std::size_t{0}, bytes_ - 1})
    if (::pread(descriptor_, &byte, 1, static_cast<off_t>(at)) < 0) return;
}

std::string file_source::md5() {
  if (!md5_) return {};
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : md5_->value()) {
    text += digits[byte >> 4];
    text += digits[byte & 0xf];
  }
  return text;
}

bool file_source::unchanged() const noexcept {
  if (memory_) return true;
  struct stat now {};
  return ::fstat(descriptor_, &now) == 0 && identity_of(now) == identity_;
}

void file_source::close() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  memory_.reset();
  if (md5_) md5_->restart(); // what was not sent to its end must not wait for company
}

} // namespace hoist::net
