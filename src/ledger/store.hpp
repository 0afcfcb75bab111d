#pragma once

// The interface of the durable record.

#include "core/base/time.hpp"

#include <hoist/error.hpp>
#include <hoist/report.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hoist::ledger {

enum class row_state : std::uint8_t {
  leased, ///< its PUT is under way: `id`, `public_url` and `expires` are what it will be, if it succeeds
  done,
  failed,
};

struct row {
  std::string path; ///< absolute, lexically normalised, bytes
  row_state state = row_state::done;
  std::uint64_t size = 0;
  std::int64_t mtime_ns = 0, ctime_ns = 0;
  std::string id, public_url, etag, content_type;
  verification verified = verification::none;
  std::optional<core::wall_time> retained_until;
  std::optional<core::wall_time> expires; ///< of a leased row's ticket, on the server's clock
  int attempts = 0, presigns = 0;
  errc cause{};        ///< of a failed row
  std::string message; ///< likewise, in our words

  friend bool operator==(const row&, const row&) = default;
};

class store {
 public:
  virtual ~store() = default;

  /// The last row put for `path`, committed or not; nothing when there is none. Any thread that may wait for as long as
  /// a commit takes. Throws as `commit` does when the record cannot be read, or what it holds is not what was written.
  virtual std::optional<row> find(std::string_view path) = 0;

  /// Stages a row. It is not durable, and may not be reported, before the next `commit` has returned.
  virtual void put(row r) = 0;

  /// Makes all staged rows durable, in one group. Throws boost::system::system_error (errc::ledger_failed) when it
  /// cannot; the staged rows are then lost, the earlier ones not.
  virtual void commit() = 0;

  /// Something the user should know of this record, or empty.
  virtual std::string notice() const { return {}; }

  /// Whether a row that is put can be found later; where not, none need be made.
  virtual bool remembers() const noexcept { return true; }

  /// Whether a commit reaches the disk, and is dear for that.
  virtual bool durable() const noexcept = 0;
};

} // namespace hoist::ledger
