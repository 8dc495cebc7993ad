// counterpoint verify FILE...: are these whole checkpoints that this version restores?
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "commands.h"
#include "contents.h"
#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

int verify(const std::string& file, const Limits& limits) {
  try {
    const Contents contents = read_contents(file, limits.memory_bytes);
    fmt::print("{}: ok, {} bytes, {} object{}\n", escaped(file), contents.bytes,
               contents.objects.size(), contents.objects.size() == 1 ? "" : "s");
    return ok;
  } catch (const Error& error) {
    fmt::print(stderr, "counterpoint: {}\n", escaped(error.message()));
    return exit_code_of(error.code());
  } catch (const std::bad_alloc&) {
    fmt::print(stderr, "counterpoint: {}: no memory within the limit of {} MiB\n", escaped(file),
               limits.memory_bytes >> 20);
    return over_limits;
  }
}

}  // namespace

Run add_verify(CLI::App& command) {
  struct Options {
    std::vector<std::string> files;
    Limits limits;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->files, "The checkpoints")->required();
  add_limits(command, options->limits);
  command.footer("Example: counterpoint verify run/checkpoint-*.h5 && echo all whole");
  return [options] {
    int worst = ok;
    for (const std::string& file : options->files) {
      worst = std::max(worst, in_sandbox(options->limits, file.c_str(),
                                         [&] { return verify(file, options->limits); }));
    }
    return worst;
  };
}

}  // namespace counterpoint::tools
