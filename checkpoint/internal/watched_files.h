// Files that count the calls that came back, so that a disk that is slow is told from one that
// stalls.
//
//   const auto files = std::make_shared<WatchedFiles>(behind);
//   const std::uint64_t before = files->calls_done();
//   write_durably(*files, "run/a.h5", content, &warning);   // on another thread
//   const bool moves = files->calls_done() != before;
//
// Thread-safety: as the files behind; calls_done() from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/checkpoint/file_operations.h"

namespace counterpoint::inline v1::checkpoint_internal {

class WatchedFiles final : public FileOperations {
 public:
  explicit WatchedFiles(std::shared_ptr<FileOperations> behind) : behind_(std::move(behind)) {}

  std::uint64_t calls_done() const { return calls_done_.load(std::memory_order_relaxed); }
  const FileOperations& behind() const { return *behind_; }

  int open(const std::string& path, int flags, mode_t mode) override {
    return counted(behind_->open(path, flags, mode));
  }
  int close(int fd) override { return counted(behind_->close(fd)); }
  int status(int fd, struct stat& result) override { return counted(behind_->status(fd, result)); }
  int status_of(const std::string& path, struct stat& result) override {
    return counted(behind_->status_of(path, result));
  }
  int lock(int fd) override { return counted(behind_->lock(fd)); }
  int unlock(int fd) override { return counted(behind_->unlock(fd)); }
  int set_mode(int fd, mode_t mode) override { return counted(behind_->set_mode(fd, mode)); }
  int set_group(int fd, gid_t group) override { return counted(behind_->set_group(fd, group)); }
  std::int64_t read(int fd, std::span<std::byte> bytes, std::uint64_t offset) override {
    return counted(behind_->read(fd, bytes, offset));
  }
  std::int64_t write(int fd, std::span<const std::byte> bytes, std::uint64_t offset) override {
    return counted(behind_->write(fd, bytes, offset));
  }
  int begin_sync(int fd, std::uint64_t offset, std::uint64_t size) override {
    return counted(behind_->begin_sync(fd, offset, size));
  }
  int sync(int fd) override { return counted(behind_->sync(fd)); }
  int rename(const std::string& from, const std::string& to) override {
    return counted(behind_->rename(from, to));
  }
  int remove(const std::string& path) override { return counted(behind_->remove(path)); }
  int make_folder(const std::string& path) override { return counted(behind_->make_folder(path)); }
  int list(const std::string& folder, std::vector<std::string>& names) override {
    return counted(behind_->list(folder, names));
  }

 private:
  template <class Result>
  Result counted(Result result) {
    calls_done_.fetch_add(1, std::memory_order_relaxed);
    return result;
  }

  std::shared_ptr<FileOperations> behind_;
  std::atomic<std::uint64_t> calls_done_ = 0;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
