#include "counterpoint/checkpoint/internal/file_errors.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

std::string errno_text(int error) { return std::generic_category().message(-error); }

void throw_file_error(const std::string& path, const char* doing, int error) {
  const auto fail = [&](ErrorCode code, const char* advice) {
    throw Error(code,
                fmt::format("{}: could not {}: {}; {}", path, doing, errno_text(error), advice));
  };
  switch (-error) {
    case EFBIG:
      fail(ErrorCode::resource_exhausted,
           "raise the limit of a file's size (ulimit -f), or save elsewhere");
      break;
    case ENOSPC:
    case EDQUOT:
      fail(ErrorCode::resource_exhausted, "free space there or save elsewhere");
      break;
    case ENOMEM:
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
      fail(ErrorCode::resource_exhausted, "free memory or descriptors and try again");
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      fail(ErrorCode::failed_precondition, "use a place that this process may use");
      break;
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case EISDIR:
      fail(ErrorCode::failed_precondition, "create the folder or use another path");
      break;
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
      fail(ErrorCode::failed_precondition,
           "that file system lacks what keeps two writers apart; use one that can lock files");
      break;
    case EWOULDBLOCK:
      fail(ErrorCode::unavailable, "another process is writing it; let one job save here");
      break;
    default:
      fail(ErrorCode::unavailable, "try again, and look at the disk");
  }
  std::abort();  // every branch above threw
}

void check_path(const std::string& path) {
  const std::size_t zero = path.find('\0');
  if (zero == std::string::npos) return;
  throw Error(ErrorCode::invalid_argument,
              fmt::format("{}: a path with a zero byte behind that; give it without",
                          path.substr(0, zero)));
}

std::string kind_of(const std::string& path, mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK: {
      std::error_code ignored;
      return fmt::format("a symbolic link to '{}'",
                         std::filesystem::read_symlink(path, ignored).string());
    }
    case S_IFIFO:
      return "a FIFO";
    case S_IFSOCK:
      return "a socket";
    case S_IFBLK:
    case S_IFCHR:
      return "a device";
    default:
      return "no regular file";
  }
}

}  // namespace counterpoint::inline v1::checkpoint_internal
