#pragma once

#include "cli/base/environment.hpp"

#include <span>
#include <string>

namespace hoist::cli {

/// `hoist delete ...`, given the whole command line. Returns the exit status; throws usage_error.
int delete_command(std::span<const std::string> words, const environment& variables);

} // namespace hoist::cli
