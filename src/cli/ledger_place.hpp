#pragma once

#include "cli/settings.hpp"

namespace hoist::cli {

/// Decides where the durable record of a run is, unless --ledger says it: beside the manifest, else in the user's state
/// folder, which is then made. --no-resume without either of them keeps none. Precondition: the key is loaded.
void place_ledger(settings& s);

} // namespace hoist::cli
