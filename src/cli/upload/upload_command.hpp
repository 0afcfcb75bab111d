#pragma once

// `hoist upload`.

#include "cli/base/environment.hpp"

#include <span>
#include <string>

namespace hoist::cli {

/// `words`: the whole command line, the program's name first. Returns the exit status; throws usage_error.
int upload_command(std::span<const std::string> words, const environment& variables);

} // namespace hoist::cli
