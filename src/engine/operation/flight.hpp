#pragma once

// What a shard knows of one file while the scheduler has it. Reused from file to file, so that strings keep their room.

#include "core/schedule/scheduler.hpp"
#include "engine/operation/run.hpp"
#include "ledger/store.hpp"
#include "net/file_source.hpp"
#include "wire/presign.hpp"

#include <hoist/diagnostics.hpp>
#include <hoist/source.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace hoist::engine {

class put_worker;

/// A source, and what admission found out about it.
struct item {
  source what;
  net::file_identity identity;
  std::string content_type;
  std::shared_ptr<run> owner;
  bool examined = false;              ///< by the intake; a single upload is examined by its shard
  std::string record_name;            ///< its name in the ledger; empty: its path
  std::unique_ptr<ledger::row> lease; ///< an earlier run was killed during its PUT, which may have succeeded
};

struct flight {
  item file;
  wire::ticket ticket;
  std::optional<core::wall_time> retained_until;
  std::optional<core::wall_time> issued_at_server; ///< when its ticket was asked for, by the server's clock
  core::origin_id origin = 0;                      ///< of its ticket
  core::operation_id operation = 0;
  std::string etag;
  verification verified = verification::none;
  diagnostics last_failure;
  core::instant started{}; ///< its first presign; the epoch before
  core::instant put_begun{};
  std::chrono::microseconds presign_time{0}, put_time{0}; ///< of the latest that was answered well
  std::vector<std::string> unconfirmed; ///< ids of PUTs that may have stored something without saying so
  bool leased = false;                  ///< the ledger knows of the ticket in use
  bool maybe_stored = false;            ///< a PUT with this ticket was sent, and its answer lost
  put_worker* worker = nullptr;         ///< while it is being put
  int channel = -1;                     ///< while it is being presigned
};

} // namespace hoist::engine
