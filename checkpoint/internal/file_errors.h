// What a call of FileOperations that failed says, and what a caller can do about it.
//
//   const int result = files.rename(from, to);
//   if (result < 0) throw_file_error(to, "rename the temporary file to it", result);
//
// Thread-safety: any.
#pragma once

#include <sys/types.h>

#include <string>

namespace counterpoint::inline v1::checkpoint_internal {

// "Input/output error", of -errno.
std::string errno_text(int error);

// What a caller can do about -errno `error` of `doing` ("write", ...) with `path`.
[[noreturn]] void throw_file_error(const std::string& path, const char* doing, int error);

// Errors: invalid_argument for a path with a zero byte, behind which the system would read nothing.
void check_path(const std::string& path);

// "a directory", "a FIFO", ... for what is at `path` and is no regular file, of its mode.
std::string kind_of(const std::string& path, mode_t mode);

}  // namespace counterpoint::inline v1::checkpoint_internal
