// A path that names the same file after a change of the working directory.
//
//   const std::string path = lasting_path("run/a.h5", files);   // "/data/run/a.h5"
//
// Thread-safety: any; the working directory is the process's.
#pragma once

#include <string>

#include "counterpoint/checkpoint/file_operations.h"

namespace counterpoint::inline v1::checkpoint_internal {

// `path` as it is where it is absolute or empty, or where `files` are not the file system and have
// names of their own. Errors: failed_precondition where the working directory has gone.
std::string lasting_path(const std::string& path, const FileOperations& files);

}  // namespace counterpoint::inline v1::checkpoint_internal
