#include "cli/options/completion.hpp"

#include "cli/options/option_table.hpp"

#include <spdlog/fmt/fmt.h>

namespace hoist::cli {

namespace {

bool takes_word(const option_spec& option) {
  return option.shape == option_shape::value || option.shape == option_shape::repeated;
}

std::string choices_of(const option_spec& option) {
  std::string words;
  for_each_piece(option.metavar, '|', [&](std::string_view word) {
    if (!words.empty()) words += ' ';
    words += word;
  });
  return words;
}

/// "--concurrency|-j", for a case pattern.
std::string spellings(const option_spec& option) {
  std::string text = "--" + std::string(option.name);
  if (option.letter != 0) text += fmt::format("|-{}", option.letter);
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

/// The names that can stand first.
std::string command_names() {
  std::string names;
  for (const auto& command : commands()) names.append(command.name).append(" ");
  return names + "completion --help --version";
}

/// What may follow `command`, as a branch of a case statement.
std::string bash_branch(const command_spec& command) {
  std::string names, values;
  for (const auto& option : command.options) {
    names += (names.empty() ? "--" : " --") + std::string(option.name);
    if (option.kind == value_kind::choice) {
      values += fmt::format("        {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n", spellings(option),
                            choices_of(option));
    } else if (takes_word(option)) {
      const auto* reply = option.kind == value_kind::file ? "COMPREPLY=($(compgen -f -- \"$cur\"))" : "COMPREPLY=()";
      values += fmt::format("        {}) {}; return ;;\n", spellings(option), reply);
    }
  }
  const auto* otherwise = command.takes_files ? "        *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n" : "";
  return fmt::format("    {})\n      case $prev in\n{}      esac\n      case $cur in\n"
                     "        -*) COMPREPLY=($(compgen -W '{}' -- \"$cur\")) ;;\n{}      esac ;;\n",
                     command.name, values, names, otherwise);
}

std::string bash_script() {
  std::string branches;
  for (const auto& command : commands()) branches += bash_branch(command);
  return fmt::format(R"(# bash completion for hoist: source <(hoist completion bash)
_hoist() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '{}' -- "$cur")); return
  fi
  case ${{COMP_WORDS[1]}} in
    completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")) ;;
{}  esac
}}
complete -o filenames -F _hoist hoist
)",
                     command_names(), branches);
}

/// In an _arguments specification ':' and ']' have a meaning.
std::string zsh_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string zsh_spec(const option_spec& option, std::string_view spelling) {
  std::string text = option.shape == option_shape::repeated ? "*" : "";
  text.append(spelling).append("[").append(zsh_escaped(option.help)).append("]");
  if (!takes_word(option)) return quoted(text);
  text += ":" + zsh_escaped(option.metavar) + ":";
  if (option.kind == value_kind::file) text += "_files";
  if (option.kind == value_kind::choice) text += "(" + choices_of(option) + ")";
  return quoted(text);
}

std::string zsh_branch(const command_spec& command) {
  std::string specs;
  for (const auto& option : command.options) {
    specs += " \\\n        " + zsh_spec(option, "--" + std::string(option.name));
    if (option.letter != 0) specs += " \\\n        " + zsh_spec(option, fmt::format("-{}", option.letter));
  }
  if (command.takes_files) specs += " \\\n        '*:path:_files'";
  return fmt::format("    {})\n      _arguments -s -S{} ;;\n", command.name, specs);
}

std::string zsh_script() {
  std::string branches;
  for (const auto& command : commands()) branches += zsh_branch(command);
  return fmt::format(R"(#compdef hoist
# zsh completion for hoist: source <(hoist completion zsh), or as _hoist in a folder of $fpath
_hoist() {{
  if (( CURRENT == 2 )); then
    compadd -- {}
    return
  fi
  case $words[2] in
    completion) compadd -- bash zsh fish ;;
{}  esac
}}
if [ "$funcstack[1]" = _hoist ]; then _hoist "$@"; else compdef _hoist hoist; fi
)",
                     command_names(), branches);
}

std::string fish_script() {
  std::string text = "# fish completion for hoist: hoist completion fish | source\n";
  for (const auto& command : commands())
    text +=
        fmt::format("complete -c hoist -n __fish_use_subcommand -f -a {} -d {}\n", command.name, quoted(command.help));
  text += R"(complete -c hoist -n __fish_use_subcommand -f -a completion -d 'print a completion script'
complete -c hoist -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'
)";
  for (const auto& command : commands()) {
    for (const auto& option : command.options) {
      text += fmt::format("complete -c hoist -n '__fish_seen_subcommand_from {}' -l {}", command.name, option.name);
      if (option.letter != 0) text += fmt::format(" -s {}", option.letter);
      if (takes_word(option)) text += option.kind == value_kind::file ? " -r -F" : " -x";
      if (option.kind == value_kind::choice) text += " -a " + quoted(choices_of(option));
      text += " -d " + quoted(option.help) + "\n";
    }
  }
  return text;
}

} // namespace

std::optional<std::string> completion_script(std::string_view shell) {
  if (shell == "bash") return bash_script();
  if (shell == "zsh") return zsh_script();
  if (shell == "fish") return fish_script();
  return std::nullopt;
}

} // namespace hoist::cli
