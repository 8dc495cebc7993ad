// counterpoint verify FILE...: are these whole checkpoints that this version restores?
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint_paths.h"
#include "command_line.h"
#include "contents.h"
#include "escaped.h"
#include "exit_codes.h"
#include "restorable.h"

namespace counterpoint::tools {
namespace {

// A job may remove what a folder had when it was listed.
bool is_gone(const std::string& file) {
  struct stat status {};
  return ::lstat(file.c_str(), &status) != 0 && errno == ENOENT;
}

int verify(const std::string& file, const Limits& limits) {
  const Contents contents = read_contents(file, limits.memory_bytes);
  for (const auto& [name, object] : contents.objects) require_restorable(file, name, *object);
  fmt::print("{}: ok, {} bytes, {} object{}\n", escaped(file), contents.file.size_bytes(),
             contents.objects.size(), contents.objects.size() == 1 ? "" : "s");
  return ok;
}

}  // namespace

Run add_verify(CLI::App& command) {
  struct Options {
    std::vector<std::string> paths;
    Limits limits;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("FILE", options->paths, "Checkpoints, or folders of them")
      ->required()
      ->type_name("FILE");
  add_limits(command, options->limits);
  command.footer("Example: counterpoint verify run && echo all whole");
  return [options] {
    int worst = ok;
    for (const std::string& path : options->paths) {
      // A path that cannot be read keeps no other from being verified.
      worst = std::max(worst, guarded([&] {
                         int worst_here = ok;
                         for (const std::string& file : files_of(path)) {
                           const Limits limits = limits_for(options->limits, {file}, 1);
                           const auto read = [&] {
                             try {
                               return verify(file, limits);
                             } catch (const Error& error) {
                               if (file == path || !is_gone(file)) throw;
                               fmt::print("{}: removed meanwhile\n", escaped(file));
                               return int{ok};
                             }
                           };
                           worst_here = std::max(worst_here, in_sandbox(limits, file, read));
                         }
                         return worst_here;
                       }));
    }
    return worst;
  };
}

}  // namespace counterpoint::tools
