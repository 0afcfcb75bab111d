#pragma once

// The environment as an argument, so that everything that reads it is tested with literals.

#include <functional>
#include <optional>
#include <string>

namespace hoist::cli {

/// The variable's value; nothing when it is unset or empty.
using environment = std::function<std::optional<std::string>(const std::string&)>;

/// The process's own.
std::optional<std::string> process_environment(const std::string& name);

} // namespace hoist::cli
