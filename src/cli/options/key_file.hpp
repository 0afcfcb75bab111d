#pragma once

// The API key's way in: a file or a variable, never an argument, where every user of the machine could read it.

#include "cli/options/settings.hpp"

#include <filesystem>
#include <string>
#include <string_view>

namespace hoist::cli {

/// Without the whitespace around it. Throws usage_error, whose text never holds the key.
std::string checked_key(std::string_view text, std::string_view origin);
std::string read_key_file(const std::filesystem::path& file);

/// The key of these settings, from the file that they name or as they have it.
void load_key(settings& s);

} // namespace hoist::cli
