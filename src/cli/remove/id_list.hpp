#pragma once

// The ids that `hoist delete` was given: words, and files of rows or of ids, read as they are needed.

#include "cli/base/unique_fd.hpp"

#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::cli {

/// What a line of a file says: a row that names a stored object or what `hoist delete` could not delete, an id alone,
/// or something else. Pure.
struct line_meaning {
  enum class kind : std::uint8_t { id, nothing_stored, unreadable } what = kind::unreadable;
  std::string id;
};
line_meaning meaning_of(std::string_view line);

class id_list {
 public:
  /// Opens what is a file, so that a mistake is found before anything is deleted: throws usage_error.
  explicit id_list(std::span<const std::string> words);

  /// Throws std::system_error when a file cannot be read to its end.
  std::optional<std::string> next();

  /// Lines that were neither a row nor an id, so far; an unfinished last line is none.
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  struct close_file {
    void operator()(std::FILE* f) const { std::fclose(f); }
  };
  struct free_line {
    void operator()(char* p) const;
  };
  struct entry {
    std::string word;                             ///< an id, or the file's name
    std::unique_ptr<std::FILE, close_file> lines; ///< null for an id
  };

  std::optional<std::string> next_of(entry& from);

  std::vector<entry> entries_;
  std::size_t at_ = 0;
  std::unique_ptr<char, free_line> line_;
  std::size_t capacity_ = 0;
  std::uint64_t unreadable_ = 0;
};

} // namespace hoist::cli
