#include "cli/output.hpp"

#include "cli/escape.hpp"
#include "cli/usage_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace hoist::cli {

namespace {

[[noreturn]] void refuse_existing(const std::string& file) {
  throw usage_error("--manifest: " + escaped(file) + " exists; name another file, or replace it with --overwrite");
}

unique_fd open_manifest(const settings& s) {
  struct ::stat status {};
  const bool exists = ::stat(s.manifest.c_str(), &status) == 0;
  if (exists && S_ISREG(status.st_mode) && !s.overwrite) refuse_existing(s.manifest);
  // FIFOs and devices are written to as they are. O_EXCL: whoever came first keeps the file.
  const int how = exists && !S_ISREG(status.st_mode) ? O_APPEND : s.overwrite ? O_CREAT | O_TRUNC : O_CREAT | O_EXCL;
  unique_fd fd(::open(s.manifest.c_str(), O_WRONLY | O_CLOEXEC | how, 0666));
  if (!fd && errno == EEXIST) refuse_existing(s.manifest);
  if (!fd) throw usage_error("--manifest: " + escaped(s.manifest) + ": " + std::strerror(errno));
  return fd;
}

unique_fd open_stdout() {
  return unique_fd(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
}

} // namespace

output::output(const settings& s, const stop_sign& abandon, std::function<void(row_writer::failure, int)> on_failure) {
  const bool urls = s.format == output_format::url && !s.dry_run;
  if (!s.manifest.empty()) rows_ = std::make_unique<row_writer>(open_manifest(s), abandon, on_failure);
  if (urls) urls_ = std::make_unique<row_writer>(open_stdout(), abandon, on_failure);
  if (!rows_ && !urls_) rows_ = std::make_unique<row_writer>(open_stdout(), abandon, std::move(on_failure));
}

void output::row(std::string_view line) {
  if (rows_) rows_->write(line);
}

void output::url(std::string_view url) {
  if (urls_) urls_->write(escaped(url) + "\n");
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
