// A descriptor, and its place: the name and the folder that it is found under.
//
//   OpenFile lock(files, files.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
//   if (is_at(files, lock.fd(), path) != 1) ...  // somebody removed or replaced it
//   const int synced = sync_folder(files, folder_of(path));
//
// Thread-safety: one thread at a time for an object; any for functions.
#pragma once

#include <string>
#include <utility>

#include "counterpoint/checkpoint/file_operations.h"

namespace counterpoint::inline v1::checkpoint_internal {

// A descriptor that closes itself.
class OpenFile {
 public:
  OpenFile(FileOperations& files, int fd) : files_(files), fd_(fd) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (fd_ >= 0) files_.close(fd_);
  }
  int fd() const { return fd_; }  // or -errno of the open
  int release() { return std::exchange(fd_, -1); }
  void swap(OpenFile& other) { std::swap(fd_, other.fd_); }  // of the same FileOperations

 private:
  FileOperations& files_;
  int fd_;
};

// 1 where `path` still names the file that is open as `fd`, 0 where it names another or none,
// -errno where that cannot be told.
int is_at(FileOperations& files, int fd, const std::string& path);

// Makes the names in a folder durable: 0, also where a file system has nothing to sync; -errno.
int sync_folder(FileOperations& files, const std::string& folder);

// The folder that holds `path`; "." for a bare name.
std::string folder_of(const std::string& path);

}  // namespace counterpoint::inline v1::checkpoint_internal
