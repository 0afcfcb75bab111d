#pragma once

// The HEAD of a stored file's public URL. It has no parameter that could carry an API key, on purpose: the storage is
// asked as anyone would ask it.

#include "wire/url.hpp"

#include <string>

namespace hoist::wire {

/// Appends one whole request to `out`.
void append_head_request(std::string& out, const url& what);

} // namespace hoist::wire
