#pragma once

#include "cli/options/settings.hpp"

namespace hoist::cli {

/// Decides where the durable record of a run is, unless --ledger says it: beside the manifest, else in the user's state
/// folder, which is then made. --no-resume without either of them keeps none. Precondition: the key is loaded.
void place_ledger(settings& s);

/// Where it would be without a key, which nothing is made for: as --ledger says, or beside the manifest. Empty:
/// somewhere else.
std::string ledger_by_name(const settings& s);

} // namespace hoist::cli
