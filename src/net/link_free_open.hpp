#pragma once

// Opens a file on whose way no symbolic link may stand: what a walk has found is to be where it was found, and whoever
// can write to the tree may have put a link in the place of a folder since.

#include <cstddef>
#include <string>

namespace hoist::net {

/// As ::open(path, flags), for reading: -1 and an errno, which is ELOOP for a link in or after the component that holds
/// the byte `from` of `path`. Links before that are followed. `path` names a file: it does not end in a slash.
int open_link_free(const std::string& path, std::size_t from, int flags) noexcept;

} // namespace hoist::net
