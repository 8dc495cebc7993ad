// Reads an untrusted path without being led elsewhere.
//
//   ReadableFile file(files, "run/a.h5");
//   file.check_header();            // before anybody makes room for it
//   FileBytes bytes = file.read_whole(max_bytes);
//
// Thread-safety: read() from several threads; else one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/internal/open_file.h"

namespace counterpoint::inline v1::checkpoint_internal {

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
