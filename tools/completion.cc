// counterpoint completion SHELL: what completes the command.
#include "completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "command_line.h"
#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

// "{a,b,c}" out of the text that a check gave an option.
std::vector<std::string> choices_of(const CLI::Option& option) {
  const std::string text = option.get_type_name();
  const std::size_t open = text.find('{');
  const std::size_t close = text.find('}', open);
  std::vector<std::string> choices;
  if (open == std::string::npos || close == std::string::npos) return choices;
  std::string choice;
  for (const char c : text.substr(open + 1, close - open - 1)) {
    if (c == ',') {
      choices.push_back(std::exchange(choice, {}));
    } else {
      choice += c;
    }
  }
  choices.push_back(choice);
  return choices;
}

Completion completion_of(const CLI::Option& option) {
  Completion completion;
  for (const std::string& name : option.get_lnames()) {
    completion.names.push_back(fmt::format("--{}", name));
  }
  for (const std::string& name : option.get_snames()) {
    completion.names.push_back(fmt::format("-{}", name));
  }
  completion.what = option.get_description();
  completion.takes_value = option.get_items_expected_max() > 0;
  completion.is_file = option.get_type_name() == "FILE";
  completion.choices = choices_of(option);
  return completion;
}

// Options of a command and of the groups in it, which have a --help of their own.
void add_options(const CLI::App& app, std::vector<Completion>& options) {
  for (const CLI::Option* option : app.get_options()) {
    if (!app.get_name().empty() || option != app.get_help_ptr()) {
      options.push_back(completion_of(*option));
    }
  }
  for (const CLI::App* group : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (group->get_name().empty()) add_options(*group, options);
  }
}

std::vector<std::string> names_of(const CommandCompletion& command) {
  std::vector<std::string> names;
  for (const Completion& option : command.options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::string bash_script(const std::vector<CommandCompletion>& commands) {
  std::vector<std::string> names;
  for (const CommandCompletion& command : commands) names.push_back(command.name);
  std::string values;
  std::string words;
  for (const CommandCompletion& command : commands) {
    std::vector<std::string> positional;
    for (const Completion& option : command.options) {
      if (option.names.empty()) {
        positional.insert(positional.end(), option.choices.begin(), option.choices.end());
      } else if (option.takes_value) {
        std::vector<std::string> patterns;
        for (const std::string& name : option.names) patterns.push_back(command.name + ":" + name);
        // Nothing given for a file: -o default completes it.
        values +=
            fmt::format("    {}) words='{}'; {}return ;;\n", fmt::join(patterns, "|"),
                        fmt::join(option.choices, " "),
                        option.choices.empty()
                            ? ""
                            : "mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"); ");
      }
    }
    words +=
        fmt::format("    {}:-*) words='{}' ;;\n", command.name, fmt::join(names_of(command), " "));
    words += fmt::format("    {}:*) words='{}' ;;\n", command.name, fmt::join(positional, " "));
  }
  return fmt::format(R"(# bash completion of counterpoint, written by `counterpoint completion bash`
_counterpoint() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD - 1]}} command= words= i
  if [[ $cur == = ]]; then cur=; fi
  if [[ $prev == = ]]; then prev=${{COMP_WORDS[COMP_CWORD - 2]}}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {0}) command=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  COMPREPLY=()
  case $command:$prev in
{1}  esac
  case $command:$cur in
    :*) words='{2} --help --version' ;;
{3}  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}}
complete -o default -F _counterpoint counterpoint
)",
                     fmt::join(names, "|"), values, fmt::join(names, " "), words);
}

// `text` as it is written between single quotes, with a backslash before each of `special`.
std::string in_quotes(const std::string& text, std::string_view special, std::string_view quote) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    if (c == '\'') {
      result += quote;
    } else {
      result += c;
    }
  }
  return result;
}

// For _arguments and _describe, to which brackets and colons mean something.
std::string for_zsh(const std::string& text) { return in_quotes(text, "[]:", "'\\''"); }
std::string for_fish(const std::string& text) { return in_quotes(text, "\\", "\\'"); }

std::string zsh_value(const Completion& option) {
  if (!option.choices.empty()) return fmt::format("value:({})", fmt::join(option.choices, " "));
  return option.is_file ? "file:_files" : "value: ";
}

std::string zsh_script(const std::vector<CommandCompletion>& commands) {
  std::string list;
  std::string cases;
  for (const CommandCompletion& command : commands) {
    list += fmt::format("    '{}:{}'\n", command.name, for_zsh(command.what));
    std::string positional = "file:_files";
    cases += fmt::format("    {}) _arguments", command.name);
    for (const Completion& option : command.options) {
      for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        cases += fmt::format(" \\\n      '{}{}[{}]{}'", name,
                             option.takes_value && is_long ? "=" : "", for_zsh(option.what),
                             option.takes_value ? fmt::format(":{}", zsh_value(option)) : "");
      }
      if (option.names.empty()) positional = zsh_value(option);
    }
    cases += fmt::format(" \\\n      '*:{}' ;;\n", positional);
  }
  return fmt::format(R"(#compdef counterpoint
# zsh completion of counterpoint, written by `counterpoint completion zsh`
_counterpoint() {{
  local -a commands=(
{0}  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
{1}  esac
}}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _counterpoint "$@"
else
  compdef _counterpoint counterpoint
fi
)",
                     list, cases);
}

std::string fish_script(const std::vector<CommandCompletion>& commands) {
  std::string script =
      "# fish completion of counterpoint, written by `counterpoint completion fish`\n";
  for (const CommandCompletion& command : commands) {
    script += fmt::format("complete -c counterpoint -n __fish_use_subcommand -xa {} -d '{}'\n",
                          command.name, for_fish(command.what));
    const std::string within =
        fmt::format("complete -c counterpoint -n '__fish_seen_subcommand_from {}'", command.name);
    for (const Completion& option : command.options) {
      std::string line = within;
      for (const std::string& name : option.names) {
        const bool is_long = name.starts_with("--");
        line += fmt::format(" -{} {}", is_long ? "l" : "s", name.substr(is_long ? 2 : 1));
      }
      if (!option.choices.empty()) {
        line += fmt::format(" -xa '{}'", fmt::join(option.choices, " "));
      } else if (option.takes_value && !option.names.empty()) {
        line += option.is_file ? " -rF" : " -x";
      } else if (option.names.empty()) {
        continue;  // files, which fish completes anyway
      }
      script += fmt::format("{} -d '{}'\n", line, for_fish(option.what));
    }
  }
  return script;
}

}  // namespace

std::vector<CommandCompletion> completions_of(const CLI::App& app) {
  std::vector<CommandCompletion> commands;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name().empty()) continue;
    commands.push_back(
        {.name = command->get_name(), .what = command->get_description(), .options = {}});
    add_options(*command, commands.back().options);
  }
  return commands;
}

std::string completion_script(const CLI::App& app, const std::string& shell) {
  const std::vector<CommandCompletion> commands = completions_of(app);
  if (shell == "bash") return bash_script(commands);
  if (shell == "zsh") return zsh_script(commands);
  if (shell == "fish") return fish_script(commands);
  throw UsageError(fmt::format("no completion for '{}'; there are bash, zsh and fish", shell));
}

Run add_completion(CLI::App& command, const CLI::App& whole) {
  const auto shell = std::make_shared<std::string>();
  command.add_option("SHELL", *shell, "Which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("NAME");
  command.footer(
      "cmake --install puts all three where the shells look for them.\n"
      "Example: source <(counterpoint completion bash)");
  return [shell, &whole] {
    const std::string script = completion_script(whole, *shell);
    fmt::print("{}", script);
    return static_cast<int>(ok);
  };
}

}  // namespace counterpoint::tools
