#pragma once

// A whole benchmark: each size, each concurrency, and the deletion of what that made.

#include "cli/base/terminal.hpp"
#include "cli/bench/bench_settings.hpp"

#include <spdlog/logger.h>

#include <memory>

namespace hoist::cli {

/// Returns the exit status; throws usage_error.
int run_bench(const bench_settings& s, terminal& screen, const std::shared_ptr<spdlog::logger>& log);

} // namespace hoist::cli
