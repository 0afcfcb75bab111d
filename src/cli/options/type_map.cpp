#include "cli/options/type_map.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace hoist::cli {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view next_word(std::string_view& line) {
  constexpr std::string_view blank = " \t\r";
  line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
  const auto word = line.substr(0, line.find_first_of(blank));
  line.remove_prefix(word.size());
  return word;
}

bool is_media_type(std::string_view text) {
  const auto slash = text.find('/');
  const bool printable = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7F; });
  return printable && slash != std::string_view::npos && slash > 0 && slash + 1 < text.size();
}

} // namespace

type_map type_map::parse(std::string_view text, std::string_view origin) {
  type_map result;
  for (int number = 1; !text.empty(); ++number) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line = line.substr(0, line.find('#'));
    auto extension = next_word(line);
    if (extension.empty()) continue;
    const auto type = next_word(line);
    if (extension.starts_with('.')) extension.remove_prefix(1);
    if (extension.empty() || !is_media_type(type) || !next_word(line).empty()) {
      throw usage_error(
          fmt::format("{}, line {}: write an extension and a type, such as 'glb model/gltf-binary'", origin, number));
    }
    result.types_[lower(extension)] = type;
  }
  return result;
}

type_map type_map::read(const std::filesystem::path& file) {
  const auto origin = "--type-map " + escaped(file.native());
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    // Reading nothing at all sets the fail bit as well, and an empty map is fine.
    if (in && in.peek() == std::ifstream::traits_type::eof()) return {};
    throw usage_error(origin + ": " + std::strerror(errno));
  }
  return parse(text.str(), origin);
}

std::string type_map::type_of(std::string_view path) const {
  if (types_.empty()) return {};
  const auto name = lower(path.substr(path.rfind('/') + 1));
  // A dot that comes first hides the file; it begins no extension.
  for (auto dot = name.find('.', 1); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const auto at = types_.find(std::string_view(name).substr(dot + 1));
    if (at != types_.end()) return at->second;
  }
  return {};
}

} // namespace hoist::cli
