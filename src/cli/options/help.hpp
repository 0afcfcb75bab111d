#pragma once

#include <string>
#include <string_view>

namespace hoist::cli {

std::string general_help();
std::string upload_help();
std::string delete_help();
std::string bench_help();
std::string version_text();

/// To stdout; returns the exit status.
int print_text(std::string_view text);

} // namespace hoist::cli
