#include "counterpoint/checkpoint/internal/lasting_path.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

std::string lasting_path(const std::string& path, const FileOperations& files) {
  if (path.empty() || &files != &FileOperations::posix()) return path;
  std::error_code error;
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (!error) return absolute.string();
  throw Error(ErrorCode::failed_precondition,
              fmt::format("{}: the working directory could not be told ({}); change to one that is "
                          "there, or give a path from the root",
                          path, error.message()));
}

}  // namespace counterpoint::inline v1::checkpoint_internal
