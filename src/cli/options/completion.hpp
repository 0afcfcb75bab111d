#pragma once

// Completion scripts, made from the option table.

#include <optional>
#include <string>
#include <string_view>

namespace hoist::cli {

/// For "bash", "zsh" or "fish"; nothing for another shell.
std::optional<std::string> completion_script(std::string_view shell);

} // namespace hoist::cli
