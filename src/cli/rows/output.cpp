#include "cli/rows/output.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <system_error>

namespace hoist::cli {

namespace {

existing_manifest policy_of(const settings& s) {
  if (s.overwrite) return existing_manifest::replace;
  if (s.library.resume == resume_mode::none) return existing_manifest::refuse;
  return s.ledger_is_there ? existing_manifest::go_on : existing_manifest::refuse_alone;
}

} // namespace

void check_output(const settings& s) {
  if (s.manifest.empty()) return;
  struct ::stat rows {
  }, ledger{};
  if (::stat(s.manifest.c_str(), &rows) == 0 && ::stat(s.library.ledger.c_str(), &ledger) == 0 &&
      rows.st_dev == ledger.st_dev && rows.st_ino == ledger.st_ino)
    throw usage_error("--manifest and --ledger are one file, " + escaped(s.manifest) + "; name two");
  check_manifest(s.manifest, policy_of(s));
}

output::output(const settings& s, const stop_sign& abandon, std::function<void(row_writer::failure, int)> on_failure) {
  const bool urls = s.format == output_format::url && !s.dry_run;
  if (!s.manifest.empty()) {
    manifest_ = std::make_unique<manifest_file>(s.manifest, policy_of(s));
    rows_ = std::make_unique<row_writer>(manifest_->take_descriptor(), abandon, on_failure);
  }
  if (urls) urls_ = std::make_unique<row_writer>(copy_of(STDOUT_FILENO), abandon, on_failure);
  if (!rows_ && !urls_) rows_ = std::make_unique<row_writer>(copy_of(STDOUT_FILENO), abandon, std::move(on_failure));
}

void output::row(std::string_view line) {
  if (rows_) rows_->write(line);
}

void output::collect_row(std::string_view line) {
  if (rows_) rows_->collect(line);
}

void output::collect_url(std::string_view url) {
  if (urls_) urls_->collect(escaped(url) + "\n");
}

void output::flush() {
  if (rows_) rows_->flush();
  if (urls_) urls_->flush();
}

void output::summary(std::string_view line, bool complete) {
  if (!rows_) return;
  if (!manifest_ || !manifest_->has_earlier_rows()) return rows_->write_last(line);
  rows_->flush();
  rows_->close();
  if (rows_->state() == row_writer::failure::none) return manifest_->finish(complete, line);
  // This run's rows are not all there, so the earlier ones stay. Where the disk has no room for that either, the next
  // run does it; why this one ended is known.
  try {
    manifest_->finish(false, line);
  } catch (const std::system_error&) {
    return;
  }
}

row_writer::failure output::state() const {
  const auto rows = rows_ ? rows_->state() : row_writer::failure::none;
  return rows == row_writer::failure::none && urls_ ? urls_->state() : rows;
}

void output::add_to(own_files& own) const {
  own.add_open(STDOUT_FILENO);
  own.add_open(STDERR_FILENO);
  if (rows_) own.add_open(rows_->fd());
}

bool output::is_on_terminal() const {
  return (rows_ && ::isatty(rows_->fd()) == 1) || (urls_ && ::isatty(urls_->fd()) == 1);
}

} // namespace hoist::cli
