#pragma once

// Time as the core sees it: always an argument. Naming the steady clock's time_point does not read the clock.

#include <chrono>

namespace hoist::core {

using millis = std::chrono::milliseconds;
using instant = std::chrono::steady_clock::time_point; ///< ours, never goes back
using wall_time = std::chrono::sys_time<millis>;       ///< somebody's calendar clock

} // namespace hoist::core
