// Replaces a file so that a reader, a kill or a loss of power meets the old one or the new one,
// whole; and reads an untrusted path without being led elsewhere.
//
//   const Durability durability = write_durably(files, "run/a.h5", content, &warning);
//   FileBytes file = read_whole(files, "run/a.h5", max_bytes);
//
// Thread-safety: any; writers of the same path refuse each other, across processes too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/restore_report.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Beside the target: ".<name>.tmp". What a killed writer left is replaced by the next one.
std::string temporary_path(const std::string& path);
bool is_temporary_name(const std::string& name);

// The folder that holds `path`; "." for a bare name.
std::string folder_of(const std::string& path);

// What is to be written behind the header block, which the writer makes.
class FileContent {
 public:
  virtual ~FileContent() = default;
  virtual std::uint64_t size() const = 0;  // with the header block
  // From several threads. Errors: those of the writer.
  virtual void read(std::uint64_t offset, std::span<std::byte> bytes) const = 0;
};

// Errors, with the old file still there: resource_exhausted (space, quota, size limit),
// failed_precondition (no folder, no permission, read-only), unavailable (the disk fails, another
// writer is at it). `uncertain` is no error: the new file is there, `warning` says what is not
// sure.
// What `before_commit` throws just before the rename is an error like these.
Durability write_durably(FileOperations& files, const std::string& path, const FileContent& content,
                         std::string* warning,
                         const std::function<void()>& before_commit = nullptr);

// 1 where `path` still names the file that is open as `fd`, 0 where it names another or none, -errno
// where that cannot be told.
int is_at(FileOperations& files, int fd, const std::string& path);

// Makes the names in a folder durable: 0, also where a file system has nothing to sync; -errno.
int sync_folder(FileOperations& files, const std::string& folder);

// "Input/output error", of -errno.
std::string errno_text(int error);

// What a caller can do about -errno `error` of `doing` ("write", ...) with `path`.
[[noreturn]] void throw_file_error(const std::string& path, const char* doing, int error);

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

// An untrusted file: regular, and no symbolic link. Errors of the constructor: not_found;
// failed_precondition if it is no such file or without permission.
class ReadableFile {
 public:
  ReadableFile(FileOperations& files, std::string path);

  // Errors: data_loss if it is damaged where it lies; resource_exhausted if it is larger than
  // `max_bytes` or than memory; as throw_file_error() where it cannot be read now.
  FileBytes read_whole(std::uint64_t max_bytes);
  std::uint64_t size() const { return size_; }
  // Errors: as read_whole().
  void check_size(std::uint64_t max_bytes) const;
  // Errors: those of check_header() in file_format.h, of what begins like no whole checkpoint.
  void check_header();
  // Errors: as read_whole(); data_loss also for bytes that are not there.
  void read(std::span<std::byte> bytes, std::uint64_t offset);

 private:
  [[noreturn]] void throw_unread(int error) const;
  [[noreturn]] void throw_lost(const std::string& what) const;
  [[noreturn]] void throw_no_file() const;

  FileOperations& files_;
  std::string path_;
  OpenFile file_;
  std::uint64_t size_ = 0;
};

// One that keeps its file operations. Errors: as ReadableFile.
std::shared_ptr<ReadableFile> open_shared(std::shared_ptr<FileOperations> files, std::string path);

// Errors: as ReadableFile.
FileBytes read_whole(FileOperations& files, const std::string& path, std::uint64_t max_bytes);

}  // namespace counterpoint::inline v1::checkpoint_internal
