#pragma once

// The file of ids that were made and are still there, one a line, as `hoist delete FILE` takes them. It is appended to:
// what an earlier run left is not forgotten.

#include <filesystem>
#include <span>
#include <string>

namespace hoist::cli {

/// Throws std::system_error; what could be written is then there. Made with mode 0600.
void append_leftovers(const std::filesystem::path& file, std::span<const std::string> ids);

} // namespace hoist::cli
