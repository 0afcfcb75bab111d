#pragma once

// What was typed, and what the HOIST_<FLAG> variables add to it. Words are kept byte for byte: a path may be any bytes,
// "[a,b]" and "%%" included. What it all means is settings.hpp's business.

#include "cli/base/environment.hpp"
#include "cli/options/option_table.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hoist::cli {

struct typed_value {
  std::string text;
  std::string origin;         ///< "--retries" or "HOIST_RETRIES", for messages
  std::string_view metavar{}; ///< of its option
};

class arguments {
 public:
  /// Every word that is no option, and all after "--".
  std::vector<std::string> paths;

  /// The one that counts; null when the option was not given.
  const typed_value* last(std::string_view name) const;
  std::span<const typed_value> all(std::string_view name) const;

  /// A flag's value.
  bool is_on(std::string_view name) const;
  /// How often a flag was given.
  int count(std::string_view name) const;

  void add(const option_spec& option, typed_value value);
  /// Takes variables for the options that were not typed.
  void complete_from(const command_spec& command, const environment& variables);

 private:
  std::map<std::string_view, std::vector<typed_value>> values_;
};

/// The words after the verb. Throws usage_error.
arguments parse_arguments(const command_spec& command, std::span<const std::string> words,
                          const environment& variables);

} // namespace hoist::cli
