#include "cli/completion.hpp"

#include "cli/option_table.hpp"

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

std::string bash_script() {
  std::string names, values;
  for (const auto& option : upload_options()) {
    names += (names.empty() ? "--" : " --") + std::string(option.name);
    if (option.kind == value_kind::choice) {
      values += fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n", spellings(option),
                            choices_of(option));
    } else if (takes_word(option)) {
      const auto* reply = option.kind == value_kind::file ? "COMPREPLY=($(compgen -f -- \"$cur\"))" : "COMPREPLY=()";
      values += fmt::format("    {}) {}; return ;;\n", spellings(option), reply);
    }
  }
  return R"(# bash completion for hoist: source <(hoist completion bash)
_hoist() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W 'upload completion --help --version' -- "$cur")); return
  fi
  if [ "${COMP_WORDS[1]}" = completion ]; then
    COMPREPLY=($(compgen -W 'bash zsh fish' -- "$cur")); return
  fi
  case $prev in
)" + values +
         R"(  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W ')" +
         names + R"(' -- "$cur")) ;;
    *) COMPREPLY=($(compgen -f -- "$cur")) ;;
  esac
}
complete -o filenames -F _hoist hoist
)";
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

std::string zsh_script() {
  std::string specs;
  for (const auto& option : upload_options()) {
    specs += "    " + zsh_spec(option, "--" + std::string(option.name)) + " \\\n";
    if (option.letter != 0) specs += "    " + zsh_spec(option, fmt::format("-{}", option.letter)) + " \\\n";
  }
  return R"(#compdef hoist
# zsh completion for hoist: source <(hoist completion zsh), or as _hoist in a folder of $fpath
_hoist() {
  if (( CURRENT == 2 )); then
    compadd -- upload completion --help --version
    return
  fi
  if [[ $words[2] == completion ]]; then
    compadd -- bash zsh fish
    return
  fi
  _arguments -s -S \
)" + specs +
         R"(    '*:path:_files'
}
if [ "$funcstack[1]" = _hoist ]; then _hoist "$@"; else compdef _hoist hoist; fi
)";
}

std::string fish_script() {
  std::string text = R"(# fish completion for hoist: hoist completion fish | source
complete -c hoist -n __fish_use_subcommand -f -a upload -d 'upload files and print their URLs'
complete -c hoist -n __fish_use_subcommand -f -a completion -d 'print a completion script'
complete -c hoist -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'
)";
  for (const auto& option : upload_options()) {
    text += fmt::format("complete -c hoist -n '__fish_seen_subcommand_from upload' -l {}", option.name);
    if (option.letter != 0) text += fmt::format(" -s {}", option.letter);
    if (takes_word(option)) text += option.kind == value_kind::file ? " -r -F" : " -x";
    if (option.kind == value_kind::choice) text += " -a " + quoted(choices_of(option));
    text += " -d " + quoted(option.help) + "\n";
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
