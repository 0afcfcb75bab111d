#pragma once

// The one table of commands and their options: parsing, --help, completions and the HOIST_<FLAG> variables are all made
// from it.

#include <span>
#include <string>
#include <string_view>

namespace hoist::cli {

enum class option_shape {
  flag,            ///< on or off; counted when repeated (-vv)
  value,           ///< takes a word; the last one wins
  repeated,        ///< takes a word; all are kept
  optional_choice, ///< takes the next word only when it is one of its choices
};

/// What a value is, for completions.
enum class value_kind { text, file, choice };

struct option_spec {
  std::string_view group;
  std::string_view name; ///< without dashes
  char letter;           ///< 0: none
  option_shape shape;
  value_kind kind;
  std::string_view metavar; ///< also lists the choices, separated by '|'
  std::string_view help;
  std::string_view aliases; ///< spellings of other tools, separated by a space; never shown
};

/// A command that takes options.
struct command_spec {
  std::string_view name;
  std::string_view help;
  bool takes_files = false; ///< what is no option may be a file's name
  std::span<const option_spec> options;

  /// By long name or alias; null when there is none.
  const option_spec* find(std::string_view option) const;
  const option_spec* find(char letter) const;
};

const command_spec& upload_spec();
const command_spec& delete_spec();
const command_spec& bench_spec();
/// All of them, in the order in which they are told.
std::span<const command_spec> commands();

/// "HOIST_MAX_ERRORS" for max-errors.
std::string variable_of(std::string_view name);

/// True when `word` is one of the option's choices.
bool is_choice(const option_spec& option, std::string_view word);

/// The pieces of `text` between `separator`s, empty ones left out.
template <class Visit>
void for_each_piece(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find(separator));
    if (!piece.empty()) visit(piece);
    text.remove_prefix(piece.size() < text.size() ? piece.size() + 1 : piece.size());
  }
}

} // namespace hoist::cli
