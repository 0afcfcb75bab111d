#pragma once

// One upload, from the first input to the summary.

#include "cli/base/terminal.hpp"
#include "cli/options/settings.hpp"

#include <spdlog/logger.h>

#include <memory>
#include <span>
#include <string>

namespace hoist::cli {

/// `words`: the command line, for the hint how to retry. Returns the exit status; throws usage_error.
int run_upload(const settings& s, std::span<const std::string> words, terminal& screen,
               const std::shared_ptr<spdlog::logger>& log);

} // namespace hoist::cli
