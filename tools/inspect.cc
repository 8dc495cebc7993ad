// counterpoint inspect FILE: what is in a checkpoint.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "checkpoint_paths.h"
#include "command_line.h"
#include "contents.h"
#include "exit_codes.h"

namespace counterpoint::tools {

Run add_inspect(CLI::App& command) {
  struct Options {
    std::string file;
    bool json = false;
    Limits limits;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->file, "The checkpoint, or a folder for its latest")
      ->required()
      ->type_name("FILE");
  command.add_flag("--json", options->json, "JSON instead of a table");
  add_limits(command, options->limits);
  command.footer("Example: counterpoint inspect run/checkpoint-00000017.h5");
  return [options] {
    const std::string file = latest_of(options->file);
    const Limits limits = limits_for(options->limits, {file}, 1);
    return in_sandbox(limits, file, [&] {
      const Contents contents = read_contents(file, limits.memory_bytes);
      const std::string text = options->json ? to_json(contents) + "\n" : to_table(contents);
      fmt::print("{}", text);
      return static_cast<int>(ok);
    });
  };
}

}  // namespace counterpoint::tools
