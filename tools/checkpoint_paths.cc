#include "checkpoint_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "counterpoint/runtime/error.h"

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

}  // namespace

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

std::string latest_of(const std::string& path) { return files_of(path).back(); }

}  // namespace counterpoint::tools
