// counterpoint diff A B: the first object and element in which two checkpoints differ.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "checkpoint_paths.h"
#include "command_line.h"
#include "contents.h"
#include "differences.h"
#include "escaped.h"
#include "exit_codes.h"

namespace counterpoint::tools {

Run add_diff(CLI::App& command) {
  struct Options {
    std::string a;
    std::string b;
    bool all = false;
    bool json = false;
    Limits limits;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("A", options->a, "A checkpoint")->required()->type_name("FILE");
  command.add_option("B", options->b, "Another")->required()->type_name("FILE");
  command.add_flag("--all", options->all, "Every difference: one for each object's value");
  command.add_flag("--json", options->json, "JSON instead of text");
  add_limits(command, options->limits);
  command.footer(
      "Numbers are compared bit by bit. Says nothing where there is no difference.\n"
      "Example: counterpoint diff run/checkpoint-00000017.h5 run/checkpoint-00000018.h5");
  return [options] {
    const Limits limits = limits_for(options->limits, {options->a, options->b}, 1);
    return in_sandbox(limits, options->a + " and " + options->b, [&] {
      const std::uint64_t most = limits.memory_bytes;
      require_readable(options->a);
      require_readable(options->b);
      const auto differences =
          differences_of(CheckpointFile(options->a, most), CheckpointFile(options->b, most),
                         {.only_first = !options->all});
      if (options->json) {
        fmt::print("{}\n", dump(to_json(differences)));
      } else {
        for (const Difference& difference : differences) {
          fmt::print("{}\n", to_text(difference, escaped(options->a), escaped(options->b)));
        }
      }
      return static_cast<int>(differences.empty() ? ok : different);
    });
  };
}

}  // namespace counterpoint::tools
