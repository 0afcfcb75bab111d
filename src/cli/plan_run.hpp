#pragma once

// --dry-run: names what an upload would do with each input, and why. No key, no request.

#include "cli/settings.hpp"
#include "cli/terminal.hpp"

namespace hoist::cli {

int run_plan(const settings& s, terminal& screen);

} // namespace hoist::cli
