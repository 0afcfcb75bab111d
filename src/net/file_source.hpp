#pragma once

// The bytes of one source, read in order by pread from one descriptor, and the proof that they were one version of it.

#include "digest/md5_lanes.hpp"
#include "net/types.hpp"

#include <hoist/source.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace hoist::net {

/// What must not change while a file is sent. The change time is in it because the modification time can be set back.
struct file_identity {
  std::uint64_t size = 0;
  std::uint64_t device = 0, inode = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  friend bool operator==(const file_identity&, const file_identity&) = default;
};

enum class source_status : std::uint8_t { ok, missing, unreadable, not_regular, changed };

struct source_check {
  source_status status = source_status::ok;
  int system_errno = 0;
  file_identity identity;
};

/// Looks at the file of `s` without opening it. Of links on the way only the last is seen here, where none may be;
/// `open` sees all.
source_check look_at(const source& s) noexcept;

/// Of a cold file this much is fetched before it is read on: more than the first batch, and what a disk gives in one
/// go.
constexpr std::size_t first_fetch_bytes = 512 * 1024;

/// From here on a file goes by sendfile where that is possible: over plain HTTP one of 128 KiB cost 64 us of CPU time
/// instead of 95 in two batches, one of 100 MB half as much.
constexpr std::uint64_t sendfile_bytes_min = 128 * 1024;

/// A piece of a file that is to be read from the disk, for a thread that may wait for it. Reading has begun.
class disk_wait {
 public:
  disk_wait(int descriptor, std::size_t bytes) noexcept;
  disk_wait(disk_wait&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), bytes_(other.bytes_) {}
  ~disk_wait();

  /// Returns when the piece is in memory, or cannot be had.
  void operator()() const noexcept;

 private:
  int descriptor_; ///< its own
  std::size_t bytes_;
};

/// An open source. Its beginning is read without waiting for the disk: see is_cold. From then on the kernel reads
/// ahead, and what it has not read ahead is waited for.
class file_source {
 public:
  file_source() = default;
  ~file_source() { close(); }
  file_source(const file_source&) = delete;
  file_source& operator=(const file_source&) = delete;

  /// Opens and checks; a FIFO does not block, a device is refused, and
  /// so is a file of the kernel's that claims to be empty and is not. `changed` when it is not what `expected` says.
  source_check open(const source& s, const file_identity& expected) noexcept;

  /// Fills `out` from the current position, or to the end: `n` bytes. A shorter read than the size promised is
  /// `changed`.
  source_status read(std::span<char> out, std::size_t& n) noexcept;
  /// The beginning of the file is not in memory, and the last `read` or `send_to` did nothing for that reason. Let a
  /// thread that may wait run `from_disk()`, then go on: from then on the file is not cold.
  bool is_cold() const noexcept { return cold_; }
  disk_wait from_disk() noexcept;

  std::uint64_t left() const noexcept { return size_ - position_; }

  /// Whether the kernel can send it: a file, of a size that is worth it, whose bytes nobody here needs to see.
  bool sendable() const noexcept { return sendable_ && !md5_; }
  /// sendfile(2) of at most `most` bytes from the current position to a non-blocking `socket`: `n` bytes went. `ec` is
  /// the socket's trouble, `would_block` first of all; the file's is what is returned. A file of a kind that the kernel
  /// cannot send is not `sendable` any more, and neither is trouble. Precondition: sendable().
  source_status send_to(int socket, std::size_t most, std::size_t& n, error_code& ec) noexcept;

  /// Digests what is read from now on, side by side with what others read on this thread; every `open` begins a new
  /// digest. `lanes` outlives the source.
  void digest_md5(digest::md5_lanes& lanes) { md5_.emplace(lanes); }
  bool is_digested() const noexcept { return md5_.has_value(); }
  /// Bytes wait to be digested together with those of other sources: give these a turn before the next `read`.
  bool awaits_company() const noexcept { return md5_ && md5_->waits(); }
  /// If `bytes` were read now, few would be digested side by side: in a moment others may have come.
  bool lacks_company(std::size_t bytes) const noexcept { return md5_ && md5_->lacks_company(bytes); }
  /// The MD5 of all that was read, in hex; empty unless digesting. Nothing can be read after it.
  std::string md5();

  /// The same file still, by the same descriptor.
  bool unchanged() const noexcept;
  void close() noexcept;

 private:
  source_check look_behind_the_end(source_check result) const noexcept;
  source_status ask_file() const noexcept;
  bool at_once(std::span<char> out) noexcept;
  void digest(std::span<const char> piece) noexcept;

  int descriptor_ = -1;
  bool sendable_ = false;
  bool begun_ = false; ///< its first bytes have been read, or waited for
  bool cold_ = false;
  std::uint64_t slow_device_ = 0; ///< cannot say whether bytes are in memory
  std::shared_ptr<const std::string> memory_;
  std::uint64_t size_ = 0, position_ = 0;
  file_identity identity_;
  std::optional<digest::md5> md5_;
};

} // namespace hoist::net
