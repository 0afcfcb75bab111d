#pragma once

#include <string>
#include <string_view>

namespace hoist::wire {

/// `text` as it may be shown on a terminal or written to a log: control characters (C0, DEL, C1), bidirectional
/// controls and invalid UTF-8 become \xHH escapes, a backslash is doubled. At most `bytes_max` bytes of input are
/// shown, "..." marks the cut.
std::string printable(std::string_view text, std::size_t bytes_max = 512);

} // namespace hoist::wire
