// content_type_of: our table, then the system's, which is read once.

#include <hoist/source.hpp>

#include "wire/media_types.hpp"

#include <fstream>
#include <sstream>

namespace hoist {

namespace {

const std::string& system_table() {
  static const std::string text = [] {
    std::ostringstream all;
    if (const std::ifstream file("/etc/mime.types"); file) all << file.rdbuf();
    return std::move(all).str();
  }();
  return text;
}

} // namespace

std::string content_type_of(const std::filesystem::path& name) {
  const auto extension = wire::extension_of(name.native());
  if (const auto known = wire::media_type_of_extension(extension); !known.empty()) return std::string(known);
  if (!extension.empty())
    if (auto known = wire::find_in_mime_types(system_table(), extension); !known.empty()) return known;
  return "application/octet-stream";
}

} // namespace hoist
