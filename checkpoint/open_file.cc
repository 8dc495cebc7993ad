#include "counterpoint/checkpoint/internal/open_file.h"

#include <fcntl.h>

#include <cerrno>

namespace counterpoint::inline v1::checkpoint_internal {

int sync_folder(FileOperations& files, const std::string& folder) {
  OpenFile opened(files, files.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
  if (opened.fd() < 0) return opened.fd();
  const int result = files.sync(opened.fd());
  // Some file systems have nothing to sync in a folder and say so.
  return result == -EINVAL || result == -EOPNOTSUPP ? 0 : result;
}

int is_at(FileOperations& files, int fd, const std::string& path) {
  struct stat ours {};
  struct stat named {};
  if (const int result = files.status(fd, ours); result < 0) return result;
  const int result = files.status_of(path, named);
  if (result == -ENOENT || result == -ENOTDIR) return 0;
  if (result < 0) return result;
  return ours.st_ino == named.st_ino && ours.st_dev == named.st_dev ? 1 : 0;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
