#include "cli/options/arguments.hpp"

#include "cli/base/escape.hpp"
#include "cli/base/usage_error.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

namespace hoist::cli {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

std::string nearest(std::span<const option_spec> options, std::string_view name) {
  const auto at = std::ranges::min_element(options, {},
                                           [&](const option_spec& option) { return edit_distance(name, option.name); });
  if (edit_distance(name, at->name) > 2) return {};
  return "; did you mean --" + std::string(at->name) + "?";
}

bool is_boolean(std::string_view text) {
  return text == "1" || text == "0" || text == "true" || text == "false";
}

typed_value checked_flag(typed_value value) {
  if (is_boolean(value.text)) return value;
  throw usage_error(value.origin + ": '" + escaped(value.text) + "' is neither on nor off; use 1, 0, true or false");
}

/// One pass over the words; `at_` is the next one.
class parser {
 public:
  parser(const command_spec& command, std::span<const std::string> words) : command_(command), words_(words) {}

  arguments parse() {
    while (at_ < words_.size()) take(words_[at_++]);
    return std::move(result_);
  }

 private:
  void take(const std::string& word) {
    if (only_paths_ || word.size() < 2 || word[0] != '-') return result_.paths.push_back(word);
    if (word == "--") {
      only_paths_ = true;
    } else if (word[1] == '-') {
      take_long(std::string_view(word).substr(2));
    } else {
      take_letters(std::string_view(word).substr(1));
    }
  }

  void take_long(std::string_view word) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto* option = command_.find(name);
    if (option == nullptr)
      throw usage_error("unknown option --" + escaped(name) + nearest(command_.options, name) + see_help());
    std::optional<std::string> joined;
    if (equals != std::string_view::npos) joined = std::string(word.substr(equals + 1));
    take_option(*option, "--" + std::string(name), std::move(joined));
  }

  void take_letters(std::string_view letters) {
    while (!letters.empty()) {
      const auto* option = command_.find(letters[0]);
      const std::string origin = "-" + escaped(letters.substr(0, 1));
      if (option == nullptr) throw usage_error("unknown option " + origin + see_help());
      letters.remove_prefix(1);
      std::optional<std::string> joined;
      if (takes_word(*option) && !letters.empty()) {
        joined = std::string(letters.substr(letters[0] == '=' ? 1 : 0));
        letters = {};
      }
      take_option(*option, origin, std::move(joined));
    }
  }

  std::string see_help() const { return " See hoist " + std::string(command_.name) + " --help."; }

  static bool takes_word(const option_spec& option) {
    return option.shape == option_shape::value || option.shape == option_shape::repeated;
  }

  void take_option(const option_spec& option, std::string origin, std::optional<std::string> joined) {
    switch (option.shape) {
    case option_shape::flag: return result_.add(option, checked_flag({joined.value_or("1"), std::move(origin)}));
    case option_shape::optional_choice:
      if (!joined) joined = next_if_choice(option);
      return result_.add(option, {joined.value_or("bar"), std::move(origin)});
    case option_shape::value:
    case option_shape::repeated:
      if (!joined) joined = next_word(option, origin);
      return result_.add(option, {*std::move(joined), std::move(origin)});
    }
  }

  std::string next_word(const option_spec& option, const std::string& origin) {
    if (at_ < words_.size()) return words_[at_++];
    throw usage_error(origin + " needs a value: " + origin + " " + std::string(option.metavar));
  }

  std::optional<std::string> next_if_choice(const option_spec& option) {
    if (at_ >= words_.size() || !is_choice(option, words_[at_])) return std::nullopt;
    return words_[at_++];
  }

  const command_spec& command_;
  std::span<const std::string> words_;
  std::size_t at_ = 0;
  bool only_paths_ = false;
  arguments result_;
};

} // namespace

const typed_value* arguments::last(std::string_view name) const {
  const auto at = values_.find(name);
  return at == values_.end() ? nullptr : &at->second.back();
}

std::span<const typed_value> arguments::all(std::string_view name) const {
  const auto at = values_.find(name);
  if (at == values_.end()) return {};
  return at->second;
}

bool arguments::is_on(std::string_view name) const {
  const auto* value = last(name);
  return value != nullptr && (value->text == "1" || value->text == "true");
}

int arguments::count(std::string_view name) const {
  return is_on(name) ? static_cast<int>(all(name).size()) : 0;
}

void arguments::add(const option_spec& option, typed_value value) {
  value.metavar = option.metavar;
  values_[option.name].push_back(std::move(value));
}

void arguments::complete_from(const command_spec& command, const environment& variables) {
  for (const auto& option : command.options) {
    if (option.name == "help" || option.name == "version" || values_.contains(option.name)) continue;
    auto text = variables(variable_of(option.name));
    if (!text) continue;
    typed_value value{*std::move(text), variable_of(option.name)};
    add(option, option.shape == option_shape::flag ? checked_flag(std::move(value)) : std::move(value));
  }
}

arguments parse_arguments(const command_spec& command, std::span<const std::string> words,
                          const environment& variables) {
  auto result = parser(command, words).parse();
  result.complete_from(command, variables);
  return result;
}

} // namespace hoist::cli
