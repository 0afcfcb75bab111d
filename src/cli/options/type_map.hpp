#pragma once

// --type-map: media types by extension, before the library's own table.

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

namespace hoist::cli {

class type_map {
 public:
  /// Lines "extension type"; '#' begins a comment. Throws usage_error naming the line.
  static type_map parse(std::string_view text, std::string_view origin);
  static type_map read(const std::filesystem::path& file);

  /// Empty when the map says nothing. "tar.gz" goes before "gz"; case does not matter.
  std::string type_of(std::string_view path) const;

 private:
  std::map<std::string, std::string, std::less<>> types_;
};

} // namespace hoist::cli
