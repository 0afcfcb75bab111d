#pragma once

#include <string>
#include <string_view>

namespace hoist::wire {

/// Our own table's type for an extension (without the dot, any case); empty when it is not in there. The table is the
/// same on every machine.
std::string_view media_type_of_extension(std::string_view extension) noexcept;

/// The text behind the last dot of a file's name; empty for "name", ".hidden" and "dir.d/name".
std::string_view extension_of(std::string_view path) noexcept;

/// The type for `extension` in the text of a `mime.types` file; empty when it is not in there.
std::string find_in_mime_types(std::string_view file, std::string_view extension);

} // namespace hoist::wire
