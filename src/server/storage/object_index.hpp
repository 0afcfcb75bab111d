// What is stored, by id: the map in memory and the append-only log that it is rebuilt from.
//
// Invariants: a line is in the log before the PUT is answered, so a killed process forgets nothing that it confirmed;
// lines of one id are in the order of their changes; a torn last line is dropped at the next start.
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/base/calendar.hpp"
#include "server/base/digest.hpp"
#include "server/base/folder.hpp"
#include "server/storage/file_id.hpp"

namespace hoist::server {

struct object_info {
  std::uint64_t size = 0;
  std::optional<md5_value> md5;
  std::optional<sha256_value> sha256;
  std::string content_type;
  std::uint32_t puts = 0;       // how many were accepted, ever
  std::uint32_t generation = 0; // which of them the body on disk is from
  unix_time stored_at;
  unix_time delete_at;
  bool body_kept = true; // false: --discard
  bool deleted = false;  // remembered, so that a second DELETE is answered like the first

  [[nodiscard]] bool live_at(unix_time now) const noexcept { return !deleted && now < delete_at; }
  [[nodiscard]] std::string etag() const; // with its quotes
};

enum class durability { survives_kill, survives_power_cut };

class object_index {
 public:
  // Reads the log in the state folder, or makes it; drops what was superseded, and opens it for appending. Throws
  // std::runtime_error.
  object_index(const folder& state, durability wanted);
  object_index(const object_index&) = delete;
  object_index& operator=(const object_index&) = delete;

  [[nodiscard]] std::optional<object_info> find(const file_id& id) const;

  // A PUT of this id is being received; until it has ended the id cannot be deleted.
  void begin_put(const file_id& id);
  void end_put(const file_id& id);

  // `place_body(generation)` runs under the id's lock, before the log line. Returns the info as stored, and what it
  // replaced.
  struct replaced {
    object_info now;
    std::optional<object_info> before;
  };
  replaced put(const file_id& id, object_info fresh, const std::function<void(std::uint32_t)>& place_body);

  enum class erasure { erased, already_gone, unknown, being_written };
  struct erased {
    erasure result;
    std::optional<object_info> before;
  };
  erased erase(const file_id& id);

  // Removes and returns everything whose retention ended.
  std::vector<std::pair<file_id, object_info>> take_expired(unix_time now);

  static constexpr std::size_t shard_count = 256;
  void for_each(std::size_t number, const std::function<void(const file_id&, const object_info&)>& visit) const;

 private:
  struct shard {
    mutable std::mutex mutex;
    std::unordered_map<file_id, object_info, file_id_hash> objects;
    std::unordered_map<file_id, unsigned, file_id_hash> being_written;
  };
  shard& shard_of(const file_id& id) { return shards_[id.bytes[0]]; }
  const shard& shard_of(const file_id& id) const { return shards_[id.bytes[0]]; }

  std::size_t read_log(const unique_fd& log, const std::filesystem::path& path);
  bool take_line(std::string_view line);
  void rewrite_log(const folder& state) const;
  void append(const std::string& line);

  std::array<shard, shard_count> shards_;
  durability durability_;
  unique_fd fd_;
};

// One line of the log, with its newline, and back. The format is private to the state folder.
[[nodiscard]] std::string to_log_line(const file_id& id, const object_info& info);
[[nodiscard]] std::optional<std::pair<file_id, object_info>> from_log_line(std::string_view line);

} // namespace hoist::server
