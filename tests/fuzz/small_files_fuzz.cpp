// Files and lines that people write: the key, the type map, mime.types, ids to delete. What is taken is clean; what is
// not is refused without a word of it.

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"
#include "cli/options/key_file.hpp"
#include "cli/options/type_map.hpp"
#include "cli/remove/id_list.hpp"
#include "fuzz.hpp"
#include "wire/header_rules.hpp"
#include "wire/media_types.hpp"

#include <algorithm>

namespace {

using namespace hoist;
using fuzz::require;

bool visible(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) < 0x7f; });
}

void check_key(std::string_view text) {
  try {
    const auto key = cli::checked_key(text, "the file");
    require(!key.empty() && visible(key) && wire::is_field_value(key), "a key can be a header's value");
    require(cli::checked_key(key, "the file") == key, "a key has no space around it");
  } catch (const cli::usage_error& refusal) {
    const std::string_view words = refusal.what();
    require(words == "the file holds no key" || words.starts_with("the file holds more than a key:"),
            "a refusal says nothing of the key");
  }
}

void check_type_map(std::string_view text) {
  constexpr std::string_view names[] = {"a.glb", "a.tar.gz", ".glb", "x/y.GLB", "none", "a.", "d.glb/a"};
  try {
    const auto types = cli::type_map::parse(text, "--type-map f");
    for (const auto name : names) {
      const auto type = types.type_of(name);
      require(type.empty() || (visible(type) && wire::is_field_value(type) && type.find('/') != std::string::npos),
              "a type can be a header's value");
    }
    require(types.type_of("none").empty() && types.type_of(".glb").empty(), "a name without extension has no type");
    require(types.type_of("x/y.GLB") == types.type_of("y.glb"), "case and folder do not matter");
  } catch (const cli::usage_error& refusal) {
    require(std::string_view(refusal.what()).starts_with("--type-map f, line "), "a refusal names the line");
  }
  const auto known = wire::find_in_mime_types(text, "glb");
  require(known.empty() || wire::is_field_value(known), "the system's type can be a header's value");
  const auto extension = wire::extension_of(text);
  require(extension.find('.') == std::string_view::npos && extension.find('/') == std::string_view::npos,
          "an extension is behind the last dot of a name");
  require(wire::media_type_of_extension(extension).empty() || extension.size() <= 16,
          "the table knows short extensions");
}

void check_ids(std::string_view text) {
  while (!text.empty()) {
    const auto line = fuzz::take_line(text);
    const auto meaning = cli::meaning_of(line);
    require((meaning.what == cli::line_meaning::kind::id) || meaning.id.empty(), "what is no id names none");
    if (meaning.what == cli::line_meaning::kind::id && !line.empty() && line.find('{') == std::string_view::npos) {
      require(line.find(meaning.id) != std::string_view::npos &&
                  meaning.id.find_first_of(" \t,;\"") == std::string::npos,
              "an id alone is a word of its line");
      require(cli::meaning_of(" " + meaning.id + "\r\n").id == meaning.id, "and stays itself");
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::exact_copy input(fuzz::text_of(data, size));
  check_key(input.text());
  check_type_map(input.text());
  check_ids(input.text());
  return 0;
}
