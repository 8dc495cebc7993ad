#include "command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

std::string version() {
  return fmt::format("counterpoint {}\ncheckpoint format {}\nstreams {}", COUNTERPOINT_VERSION,
                     checkpoint_internal::format_version, checkpoint_internal::stream_version);
}

}  // namespace

CommandLine::CommandLine()
    : app_("Looks at Counterpoint's checkpoints, and draws its numbers.", "counterpoint") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", version, "Versions of the library, its files and its streams");
  app_.get_formatter()->column_width(34);
  app_.footer(
      "`counterpoint COMMAND --help` has an example of each.\n"
      "Files are untrusted: a child process with limits reads them.\n" +
      std::string(exit_code_help));
  add("inspect", "Shows what is in a checkpoint", add_inspect);
  add("verify", "Checks that checkpoints are whole", add_verify);
  add("diff", "Finds where two checkpoints differ", add_diff);
  add("draw", "Writes the numbers that a generator draws", add_draw);
  CLI::App* completion = app_.add_subcommand("completion", "Prints what completes this in a shell");
  runs_[completion] = add_completion(*completion, app_);
}

void CommandLine::add(const char* name, const char* what, Run (*add_to)(CLI::App&)) {
  CLI::App* command = app_.add_subcommand(name, what);
  runs_[command] = add_to(*command);
}

int CommandLine::run(int argc, const char* const* argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) throw UsageError(explain(error));
    app_.exit(error);  // --help or --version, which it prints
    return ok;
  }
  return runs_.at(app_.get_subcommands().front())();
}

std::string CommandLine::explain(const CLI::ParseError& error) const {
  const std::vector<CLI::App*> called = app_.get_subcommands();
  const std::vector<std::string> rest = app_.remaining();
  if (called.empty() && !rest.empty()) {
    std::vector<std::string> names;
    for (const auto& [command, run] : runs_) names.push_back(command->get_name());
    std::ranges::sort(names);
    return fmt::format("no command is called '{}'; there are {}", rest.front(),
                       fmt::join(names, ", "));
  }
  return fmt::format("{}; counterpoint {}--help says more", error.what(),
                     called.empty() ? "" : called.front()->get_name() + " ");
}

int run(int argc, const char* const* argv) { return CommandLine().run(argc, argv); }

void add_limits(CLI::App& command, Limits& limits) {
  constexpr std::uint64_t gibibyte = std::uint64_t{1} << 30;
  limits = {.memory_bytes = 8 * gibibyte, .grows_with_file = true, .seconds = 600};
  command
      .add_option_function<std::uint64_t>(
          "--memory-mib",
          [&limits](std::uint64_t mebibytes) {
            limits.memory_bytes = mebibytes << 20;
            limits.grows_with_file = false;
          },
          "Memory that reading a file may take (default 8192, or what it takes and 1024 if that is "
          "more)")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 40))
      ->type_name("MIB");
  command
      .add_option("--seconds", limits.seconds, "Time that reading a file may take (default 600)")
      ->check(CLI::Range(1u, 1u << 20))
      ->type_name("SECONDS");
}

}  // namespace counterpoint::tools
