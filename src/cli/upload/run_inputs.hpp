#pragma once

// What a run and its rehearsal have in common: the inputs, the files to leave alone, the media type.

#include "cli/inputs/intake.hpp"
#include "cli/options/settings.hpp"
#include "cli/options/type_map.hpp"
#include "cli/rows/output.hpp"

#include <string>

namespace hoist::cli {

intake_request request_from(const settings& s, size_wanted sizes);
own_files own_files_of(const settings& s, const output& out);

type_map types_of(const settings& s);
/// The type that was asked for by --content-type or --type-map; empty: the library decides.
std::string asked_type_of(const settings& s, const type_map& types, const std::string& path);
/// The type that will be sent.
std::string sent_type_of(const settings& s, const type_map& types, const std::string& path);

} // namespace hoist::cli
