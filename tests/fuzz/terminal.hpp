#pragma once

// What may stand on a terminal as it is.

#include "cli/base/escape.hpp"

#include <string_view>

namespace hoist::fuzz {

inline bool harmless(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const auto c = cli::first_code_point(text.substr(at));
    if (!c.valid || cli::is_hazardous(c.value)) return false;
    at += c.length;
  }
  return true;
}

} // namespace hoist::fuzz
