// counterpoint verify FILE...: are these whole checkpoints that this version restores?
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "command_line.h"
#include "contents.h"
#include "escaped.h"
#include "exit_codes.h"

namespace counterpoint::tools {
namespace {

// checkpoint-00000017.h5, as a CheckpointManager names them.
bool is_checkpoint_name(const std::string& name) {
  constexpr std::string_view prefix = "checkpoint-";
  constexpr std::string_view suffix = ".h5";
  return name.size() > prefix.size() + suffix.size() && name.starts_with(prefix) &&
         name.ends_with(suffix) &&
         std::all_of(name.begin() + prefix.size(), name.end() - suffix.size(),
                     [](char c) { return c >= '0' && c <= '9'; });
}

// The checkpoints in a folder, oldest first; any other path as it is. Errors: not_found for a folder
// without one or that cannot be read.
std::vector<std::string> files_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  std::vector<std::string> files;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (is_checkpoint_name(name)) files.push_back(entry->path().string());
  }
  if (error || files.empty()) {
    throw Error(
        ErrorCode::not_found,
        fmt::format("{}: {}", path, error ? error.message() : "a folder without checkpoints"));
  }
  std::ranges::sort(files, {}, [](const std::string& file) {
    return std::pair(file.size(), file);  // steps beyond eight digits are later
  });
  return files;
}

int verify(const std::string& file, const Limits& limits) {
  const Contents contents = read_contents(file, limits.memory_bytes);
  fmt::print("{}: ok, {} bytes, {} object{}\n", escaped(file), contents.bytes,
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
                           const auto read = [&] { return verify(file, options->limits); };
                           worst_here =
                               std::max(worst_here, in_sandbox(options->limits, file, read));
                         }
                         return worst_here;
                       }));
    }
    return worst;
  };
}

}  // namespace counterpoint::tools
