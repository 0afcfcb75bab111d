#pragma once

// Which rows go where:
//
//                     --format jsonl        --format url
//   without -L        rows to stdout        URLs to stdout
//   with -L FILE      rows to FILE          rows to FILE, URLs to stdout

#include "cli/inputs/own_files.hpp"
#include "cli/options/settings.hpp"
#include "cli/rows/manifest_file.hpp"
#include "cli/rows/row_writer.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace hoist::cli {

/// What -L means in this run. Throws usage_error when the file that is there speaks against it; changes nothing.
void check_output(const settings& s);

class output {
 public:
  /// Opens the manifest. Throws usage_error, also when it exists and may be neither gone on with nor replaced.
  output(const settings& s, const stop_sign& abandon, std::function<void(row_writer::failure, int)> on_failure);

  bool wants_rows() const { return rows_ != nullptr; }
  void row(std::string_view line);
  /// May wait for `flush`.
  void collect_row(std::string_view line);
  void collect_url(std::string_view url);
  void flush();
  /// The last row, after every other: what comes later is dropped. `complete`: each input has its row. Throws
  /// std::system_error when the manifest cannot be put right.
  void summary(std::string_view line, bool complete);
  /// Whether rows, or URLs, could be written so far.
  row_writer::failure state() const;

  /// What a walk must leave alone.
  void add_to(own_files& own) const;
  /// Rows are shown on a terminal, where a bar would get in their way.
  bool is_on_terminal() const;

 private:
  std::unique_ptr<manifest_file> manifest_;
  std::unique_ptr<row_writer> rows_;
  std::unique_ptr<row_writer> urls_;
};

} // namespace hoist::cli
