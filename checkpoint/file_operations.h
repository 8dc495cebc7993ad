// The calls on files that a save or a restore makes, so that tests can let each of them fail.
//
//   cp::FileOperations& files = cp::FileOperations::posix();
//   const int fd = files.open("run/a.h5", O_RDONLY, 0);   // or -errno
//   const std::int64_t got = files.read(fd, bytes, 0);    // bytes read from offset 0, or -errno
//   files.close(fd);
//
// Each function is one system call, repeated where a signal interrupted it, and returns what that
// returns or -errno. Nothing throws but `list`.
// Thread-safety: any; a large file is written on several threads.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/kernels/export.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC FileOperations {
 public:
  virtual ~FileOperations();
  static FileOperations& posix();

  virtual int open(const std::string& path, int flags, mode_t mode) = 0;
  virtual int close(int fd) = 0;
  virtual int status(int fd, struct stat& result) = 0;
  virtual int status_of(const std::string& path, struct stat& result) = 0;  // of a link itself
  virtual int lock(int fd) = 0;  // exclusive, does not wait: -EWOULDBLOCK where another holds it
  // Also for forked children, who keep the lock where the descriptor is only closed. Where there is
  // no such call, nothing.
  virtual int unlock(int fd);
  // Permissions of a file, exactly. Where there is no such call, nothing.
  virtual int set_mode(int fd, mode_t mode);
  // Whose the file's group permissions are. Where there is no such call, -ENOSYS.
  virtual int set_group(int fd, gid_t group);
  virtual std::int64_t read(int fd, std::span<std::byte> bytes, std::uint64_t offset) = 0;
  virtual std::int64_t write(int fd, std::span<const std::byte> bytes, std::uint64_t offset) = 0;
  // Lets the disk begin with what was written there, and does not wait for it: sync() then has less
  // to do. Where there is no such call, nothing.
  virtual int begin_sync(int fd, std::uint64_t offset, std::uint64_t size);
  virtual int sync(int fd) = 0;  // of a file or a folder
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int remove(const std::string& path) = 0;
  virtual int make_folder(const std::string& path) = 0;
  // Adds the names in a folder to `names`, unordered.
  virtual int list(const std::string& folder, std::vector<std::string>& names) = 0;
};

}  // namespace counterpoint::inline v1
