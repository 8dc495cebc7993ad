// What completes the command in a shell, written from the parser itself: an option that is added is
// completed.
//
//   fmt::print("{}", completion_script(app, "bash"));
//
// Thread-safety: pure.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace counterpoint::tools {

// One option or positional of a subcommand, as shells want to know it.
struct Completion {
  std::vector<std::string> names;  // "--format", "-o"; empty for a positional
  std::string what;
  bool takes_value = false;
  bool is_file = false;
  std::vector<std::string> choices;
};

struct CommandCompletion {
  std::string name;
  std::string what;
  std::vector<Completion> options;
};

// Of every subcommand, in the order of --help.
std::vector<CommandCompletion> completions_of(const CLI::App& app);

// `shell`: bash, zsh or fish. Errors: UsageError.
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace counterpoint::tools
