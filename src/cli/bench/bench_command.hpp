#pragma once

#include "cli/base/environment.hpp"

#include <span>
#include <string>

namespace hoist::cli {

/// `hoist bench ...`, given the whole command line. Returns the exit status; throws usage_error.
int bench_command(std::span<const std::string> words, const environment& variables);

} // namespace hoist::cli
