// The bodies behind the index. An upload is written aside and renamed when it is whole, so nobody ever reads half of
// one. Bodies are named by id and generation, both ours: <state>/objects/4f/<id>.<generation>. An upload over an older
// one therefore never changes bytes that the index still vouches for.
//
// What has no such name (state_names) is never read, replaced or removed, and no link is followed (folder).
#pragma once

#include <atomic>
#include <filesystem>
#include <span>
#include <string>

#include "server/base/folder.hpp"
#include "server/storage/object_index.hpp"
#include "server/storage/put_judge.hpp"

namespace hoist::server {

struct storage_rules {
  bool discard = false; // bodies are dropped; size and digests are kept
  digest_kind digest = digest_kind::md5;
  durability wanted = durability::survives_kill;
};

class object_store {
 public:
  // Makes the folders, removes what an earlier, killed process left behind. Throws usage_error for a folder that is
  // somebody else's, std::runtime_error for anything else.
  object_store(const folder& state, const storage_rules& rules);
  object_store(const std::filesystem::path& state, const storage_rules& rules);

  // One PUT while it is received. Destroyed before finish(): as if it had never been.
  class upload {
   public:
    upload(object_store& store, const admitted_put& put);
    upload(const upload&) = delete;
    upload& operator=(const upload&) = delete;
    ~upload();

    void write(std::span<const char> bytes); // throws std::system_error
    // The base64 of what was received when it differs from the request's Content-MD5.
    [[nodiscard]] std::optional<std::string> mismatch();
    object_info finish(unix_time now); // the object is visible when this returns; throws std::system_error

   private:
    [[nodiscard]] digest_kind kind_for(const admitted_put& put) const;
    void place(std::uint32_t generation);

    object_store& store_;
    admitted_put put_;
    running_digest digest_;
    std::optional<md5_value> md5_;
    std::string aside_; // its name there; empty once it was renamed
    unique_fd file_;
  };

  struct stored {
    object_info info;
    unique_fd body; // not open when only the index knows the object
  };
  [[nodiscard]] std::optional<stored> open(const file_id& id, unix_time now) const;

  object_index::erasure erase(const file_id& id, unix_time now);
  std::size_t sweep(unix_time now); // removes what its retention has ended for; returns how many

  [[nodiscard]] const object_index& index() const noexcept { return index_; }

 private:
  [[nodiscard]] unique_fd create_aside(std::string& name);
  [[nodiscard]] bool vouched_for(const file_id& id, std::uint32_t generation) const;
  void remove_body(const file_id& id, const object_info& info) const;
  void remove_leftovers(const folder& state) const;

  storage_rules rules_;
  object_index index_; // first: it is what makes the folder ours
  folder objects_;
  folder aside_;
  std::atomic<std::uint64_t> next_name_{0};
};

} // namespace hoist::server
