#pragma once

// What the arguments of `hoist delete` mean. Pure.

#include "cli/options/settings.hpp"

namespace hoist::cli {

/// `paths` holds MANIFESTs and IDs as they were typed; `library.presign_concurrency` the requests in flight. Throws
/// usage_error.
settings delete_settings_from(const arguments& typed, const environment& variables);

} // namespace hoist::cli
