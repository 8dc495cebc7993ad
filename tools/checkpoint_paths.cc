#include "checkpoint_paths.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>

#include "counterpoint/checkpoint/internal/folder.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::tools {

std::vector<std::string> files_of(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  std::map<std::int64_t, std::string> by_step;
  for (std::filesystem::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    const auto step = checkpoint_internal::step_of(entry->path().filename().string());
    if (step) by_step.emplace(*step, entry->path().string());
  }
  if (error || by_step.empty()) {
    throw Error(
        ErrorCode::not_found,
        fmt::format("{}: {}", path, error ? error.message() : "a folder without checkpoints"));
  }
  std::vector<std::string> files;
  for (const auto& [step, file] : by_step) files.push_back(file);
  return files;
}

std::string latest_of(const std::string& path) { return files_of(path).back(); }

void require_readable(const std::string& path) {
  // As the reader opens it.
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  const int error = fd < 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  if (error != EACCES && error != EPERM) return;
  throw Error(ErrorCode::not_found,
              fmt::format("{}: {}; run as a user that may read it", path, std::strerror(error)));
}

}  // namespace counterpoint::tools
