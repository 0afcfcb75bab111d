#pragma once

// What to send: one file on disk, or bytes in memory.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

namespace hoist {

/// One thing to upload. Make it with `file()` or `bytes()`.
///
/// A file is opened, checked and read by the uploader's threads when its turn comes; until then only the path is kept.
struct source {
  std::filesystem::path path;                ///< the file, or the name of a memory source in reports
  std::shared_ptr<const std::string> memory; ///< the bytes; null for a file
  std::string content_type; ///< e.g. "image/png", no control characters; empty: by the name's extension
  std::uint64_t tag = 0;    ///< yours; comes back in the report
  /// From this byte on no component of `path` may be a symbolic link, or become one: the file fails as not regular. The
  /// length of a folder that was walked, say, with its slash. Default: links are followed everywhere.
  std::size_t link_free_from = std::string::npos;

  static source file(std::filesystem::path path, std::string content_type = {}) {
    return {std::move(path), nullptr, std::move(content_type)};
  }
  /// Has no name that a later run could know it by: it is not recorded in a ledger, and uploaded again by a run that
  /// resumes.
  static source bytes(std::string name, std::string content, std::string content_type = {}) {
    return {std::move(name), std::make_shared<const std::string>(std::move(content)), std::move(content_type)};
  }
};

/// The media type the uploader sends for a name: its own table first, then the system's `mime.types`, else
/// "application/octet-stream".
std::string content_type_of(const std::filesystem::path& name);

} // namespace hoist
