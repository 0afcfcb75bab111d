#pragma once

// HTTP answers as the targets have them: the byte 0x01, which no head may hold, stands for 2 KiB of body, so that the
// limits of heads and bodies are within the reach of small inputs.

#include <string>
#include <string_view>

namespace hoist::fuzz {

inline std::string unpacked(std::string_view packed) {
  std::string out;
  for (const char c : packed) {
    if (c == '\x01')
      out.append(2048, 'x');
    else
      out += c;
  }
  return out;
}

} // namespace hoist::fuzz
