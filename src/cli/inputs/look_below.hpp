#pragma once

// What stands below a directory, reached as a walk reaches it: without following a link.

#include "cli/base/unique_fd.hpp"

#include <sys/stat.h>

#include <string>
#include <string_view>

namespace hoist::cli {

struct seen_below {
  int error = 0;           ///< errno; ELOOP when a folder on the way is a link
  struct ::stat status {}; ///< of the last name, which may be a link
  unique_fd folder;        ///< that holds it
  std::string name;
};

/// `root` is a directory, links to which are followed; `below` is normalised, and not empty.
seen_below look_below(const std::string& root, std::string_view below);

/// The directory that was seen, to be read; none and an errno when it is one no longer.
unique_fd open_directory(const seen_below& seen);

} // namespace hoist::cli
