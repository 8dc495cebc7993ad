// The `counterpoint` command: looks at checkpoints from outside of a program.
#include <map>

#include "commands.h"
#include "exit_codes.h"

namespace counterpoint::tools {

void add_limits(CLI::App& command, Limits& limits) {
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
  limits = {.memory_bytes = 8 * gibibyte, .seconds = 600};
  command
      .add_option_function<std::uint64_t>(
          "--memory-mib",
          [&limits](std::uint64_t mebibytes) { limits.memory_bytes = mebibytes << 20; },
          "Memory that reading a file may take, which is about twice its size (default 8192)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40));
  command
      .add_option("--seconds", limits.seconds, "Time that reading a file may take (default 600)")
      ->check(CLI::Range(1u, 1u << 20));
}

}  // namespace counterpoint::tools

int main(int argc, char** argv) {
  namespace tools = counterpoint::tools;
  CLI::App app("Looks at checkpoints of Counterpoint.", "counterpoint");
  app.require_subcommand(1);
  app.footer(
      "Files are untrusted: a child process with limits reads them.\n"
      "Exit status: 0 fine; 1 a damaged file, or none that this version reads; 2 wrong usage;\n"
      "3 a file that is not there; 4 limits exceeded; 5 anything else. Errors go to stderr.");
  std::map<CLI::App*, tools::Run> commands;
  const auto add = [&](const char* name, const char* what, tools::Run (*add_to)(CLI::App&)) {
    CLI::App* command = app.add_subcommand(name, what);
    commands[command] = add_to(*command);
  };
  add("inspect", "Shows what is in a checkpoint", tools::add_inspect);
  add("verify", "Checks that checkpoints are whole", tools::add_verify);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? tools::ok : tools::usage;
  }
  return commands.at(app.get_subcommands().front())();
}
