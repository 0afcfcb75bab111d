#pragma once

// What is put right about the process before anything else: its descriptors, its limits, what would end it unheard.

#include "cli/base/end_watch.hpp"

#include <string>
#include <string_view>

namespace hoist::cli {

/// In main, before any other thread and any file.
void prepare_process();

/// A last line on stderr, "hoist: error: ...".
void complain(std::string_view text);

/// Of a call that found none: which limit it is, and what to do.
std::string memory_text();
/// Of a trouble: what it was, and what to do about it.
std::string ended_by_text(const end_ask& trouble);

} // namespace hoist::cli
