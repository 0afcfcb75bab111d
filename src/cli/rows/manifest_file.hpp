#pragma once

// The file that -L names, which outlives a run. While a run goes on, its rows are appended to what earlier runs left;
// at its end the file is put right: one row for each file that is settled, and one summary, last. That is written aside
// and renamed, so that whoever reads the file finds it whole at any moment, and a kill leaves the rows that were there.

#include "cli/base/unique_fd.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace hoist::cli {

/// What to do with a manifest that exists.
enum class existing_manifest : std::uint8_t {
  go_on, ///< its rows stay until this run's take their place
  replace,
  refuse,
  refuse_alone, ///< as `refuse`, since the ledger that its rows came from is not there
};

class manifest_file {
 public:
  /// Opens or makes `file`. A FIFO or a device is written to as it is. Throws usage_error.
  manifest_file(std::string file, existing_manifest policy);

  /// For the writer of rows.
  unique_fd take_descriptor() { return std::move(fd_); }
  /// Rows of earlier runs are in it, which `finish` has to see to.
  bool has_earlier_rows() const { return rows_begin_ > 0; }

  /// Puts the file right. `complete`: this run's rows are all there are; otherwise rows of earlier runs stay where this
  /// one has none. Throws std::system_error; the file is then as the run left it.
  void finish(bool complete, std::string_view summary);

 private:
  void go_on();
  std::filesystem::path aside() const;

  std::string file_;
  unique_fd fd_;
  std::uint64_t rows_begin_ = 0; ///< where this run's rows begin
};

/// Throws usage_error when `file` exists and the policy, or what it holds, speaks against it. Changes nothing: to be
/// asked before anything is made that a refusal would leave behind.
void check_manifest(const std::string& file, existing_manifest policy);

/// What names the file in a result row, as it is spelt there; empty for other lines. Two rows of one run with equal
/// keys are about one file.
std::string_view row_key(std::string_view line);

} // namespace hoist::cli
