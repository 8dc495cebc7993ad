// The command line as a whole: subcommands, each of which adds itself and gives what runs it.
//
//   int main(int argc, char** argv) { return guarded([&] { return run(argc, argv); }); }
//
// Thread-safety: one thread.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>

#include "sandbox.h"

namespace counterpoint::tools {

// Does a subcommand's work and returns the exit status.
using Run = std::function<int()>;

class CommandLine {
 public:
  CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  const CLI::App& app() const { return app_; }
  // Errors: as guarded() catches them.
  int run(int argc, const char* const* argv);

 private:
  void add(const char* name, const char* what, Run (*add_to)(CLI::App&));
  std::string explain(const CLI::ParseError& error) const;

  CLI::App app_;
  std::map<const CLI::App*, Run> runs_;
};

int run(int argc, const char* const* argv);

// The options that bound the reading of untrusted files, shared by subcommands.
void add_limits(CLI::App& command, Limits& limits);

Run add_inspect(CLI::App& command);
Run add_verify(CLI::App& command);
Run add_diff(CLI::App& command);
Run add_draw(CLI::App& command);
Run add_completion(CLI::App& command, const CLI::App& whole);

}  // namespace counterpoint::tools
