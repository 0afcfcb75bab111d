#pragma once

// Log lines: short on stderr, with times in --log-file. What is logged must have been escaped.

#include "cli/base/terminal.hpp"
#include "cli/options/settings.hpp"

#include <hoist/observer.hpp>

#include <spdlog/logger.h>

#include <memory>

namespace hoist::cli {

/// Throws usage_error when the log file cannot be opened. `screen` outlives the logger.
std::shared_ptr<spdlog::logger> make_log(const settings& s, terminal& screen);

spdlog::level::level_enum level_of(severity s);
/// The lowest that anybody is shown.
severity severity_of(const spdlog::logger& log);

} // namespace hoist::cli
