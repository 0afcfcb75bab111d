#pragma once

// What a shard knows of one file while the scheduler has it. Reused from file to file, so that strings keep their room.

#include "engine/run.hpp"
#include "net/file_source.hpp"
#include "wire/presign.hpp"

#include <hoist/diagnostics.hpp>
#include <hoist/source.hpp>

#include <memory>
#include <optional>
#include <string>

namespace hoist::engine {

class put_worker;

/// What the intake found out about a source.
struct item {
  source what;
  net::file_identity identity;
  std::string content_type;
  std::shared_ptr<run> owner;
  bool examined = false; ///< by the intake; a single upload is examined by its shard
};

struct flight {
  item file;
  wire::ticket ticket;
  std::optional<core::wall_time> retained_until;
  std::string etag;
  verification verified = verification::none;
  diagnostics last_failure;
  core::instant started{}; ///< its first presign; the epoch before
  put_worker* worker = nullptr;   ///< while it is being put
  int channel = -1;               ///< while it is being presigned
};

} // namespace hoist::engine
