#pragma once

// What this process and this machine have used of their processors.

#include "cli/bench/bench_meter.hpp"

#include <string_view>

namespace hoist::cli {

/// The first line of Linux's /proc/stat into `into`; leaves it alone when it is something else. Pure.
void read_machine_ticks(std::string_view stat, resource_use& into);

/// As of now.
resource_use resources_used();

} // namespace hoist::cli
