#pragma once

// --dry-run: names what an upload would do with each input, and why. No key, no request, no look into a ledger, and
// nothing is written: the rows go to stdout.

#include "cli/base/terminal.hpp"
#include "cli/options/settings.hpp"

namespace hoist::cli {

int run_plan(settings s, terminal& screen);

} // namespace hoist::cli
