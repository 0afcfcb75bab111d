#pragma once

// What the person typed cannot be done: exit 2. The text names the flag, the reason and the remedy.

#include <stdexcept>

namespace hoist::cli {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

} // namespace hoist::cli
