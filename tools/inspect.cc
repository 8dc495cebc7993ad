// counterpoint inspect FILE: what is in a checkpoint.
#include <fmt/format.h>

#include <memory>
#include <new>
#include <string>

#include "commands.h"
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
  command.add_option("FILE", options->file, "The checkpoint")->required();
  command.add_flag("--json", options->json, "JSON instead of a table");
  add_limits(command, options->limits);
  command.footer("Example: counterpoint inspect run/checkpoint-00000100.h5");
  return [options] {
    return in_sandbox(options->limits, options->file.c_str(), [&] {
      try {
        const Contents contents = read_contents(options->file, options->limits.memory_bytes);
        fmt::print("{}{}", options->json ? to_json(contents) : to_table(contents),
                   options->json ? "\n" : "");
        return static_cast<int>(ok);
      } catch (const Error& error) {
        fmt::print(stderr, "counterpoint: {}\n", escaped(error.message()));
        return static_cast<int>(exit_code_of(error.code()));
      } catch (const std::bad_alloc&) {
        fmt::print(stderr, "counterpoint: {}: no memory within the limit of {} MiB\n",
                   escaped(options->file), options->limits.memory_bytes >> 20);
        return static_cast<int>(over_limits);
      }
    });
  };
}

}  // namespace counterpoint::tools
