#pragma once

// What an earlier run's row means for a file of today. Pure.

#include "core/base/time.hpp"
#include "ledger/store.hpp"
#include "net/file_source.hpp"

#include <hoist/options.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace hoist::engine {

enum class resume_verdict : std::uint8_t {
  upload,
  report,    ///< done before: its row is the answer, no request is made
  adopt,     ///< its PUT was under way when a run was killed: it may be there
  leave_out, ///< only failed files are wanted, and it did not fail
};

/// A row speaks for the file as it was: of another size or time, the file is a new one.
resume_verdict judge(const std::optional<ledger::row>& known, const net::file_identity& now, core::wall_time today,
                     resume_mode mode);

/// The ledger's name of a file: absolute, without ".", ".." and doubled slashes; by its letters alone, links are not
/// resolved. Empty when `path` is that already.
std::string record_name(std::string_view working_directory, std::string_view path);

} // namespace hoist::engine
