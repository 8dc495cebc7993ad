// Doubles of the file system: one that fails or kills at a chosen call, and one that remembers what
// a loss of power would leave.
#pragma once

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/file_operations.h"

namespace checkpoint_tests {

// Passes calls on, and asks `decide` about each one first, by its name and number from 0: 0 lets it
// through, -errno fails it. `most_bytes` makes reads and writes short.
class FaultyFiles final : public counterpoint::FileOperations {
 public:
  using Decide = std::function<int(const std::string& call, int number)>;
  explicit FaultyFiles(counterpoint::FileOperations& files = counterpoint::FileOperations::posix())
      : files_(files) {}

  Decide decide;
  std::function<void()> after = [] {};  // after each call that went through
  std::function<void(struct stat& status)> falsify = [](struct stat&) {};  // of what is at a path
  std::size_t most_bytes = SIZE_MAX;
  std::vector<std::string> calls;

  int open(const std::string& path, int flags, mode_t mode) override {
    const char* name = (flags & O_DIRECTORY) != 0 ? "open folder"
                       : (flags & O_CREAT) != 0   ? "create"
                                                  : "open";
    return pass(name, [&] { return files_.open(path, flags, mode); });
  }
  int close(int fd) override {
    return pass("close", [&] { return files_.close(fd); });
  }
  int status(int fd, struct stat& result) override {
    return pass("status", [&] { return files_.status(fd, result); });
  }
  int status_of(const std::string& path, struct stat& result) override {
    return pass("status of", [&] {
      const int found = files_.status_of(path, result);
      if (found == 0) falsify(result);
      return found;
    });
  }
  int lock(int fd) override {
    return pass("lock", [&] { return files_.lock(fd); });
  }
  int unlock(int fd) override {
    return pass("unlock", [&] { return files_.unlock(fd); });
  }
  int set_mode(int fd, mode_t mode) override {
    return pass("set mode", [&] { return files_.set_mode(fd, mode); });
  }
  int set_group(int fd, gid_t group) override {
    return pass("set group", [&] { return files_.set_group(fd, group); });
  }
  std::int64_t read(int fd, std::span<std::byte> bytes, std::uint64_t offset) override {
    return pass("read", [&] {
      return files_.read(fd, bytes.first(std::min(bytes.size(), most_bytes)), offset);
    });
  }
  std::int64_t write(int fd, std::span<const std::byte> bytes, std::uint64_t offset) override {
    return pass("write", [&] {
      return files_.write(fd, bytes.first(std::min(bytes.size(), most_bytes)), offset);
    });
  }
  int begin_sync(int fd, std::uint64_t offset, std::uint64_t size) override {
    return pass("begin sync", [&] { return files_.begin_sync(fd, offset, size); });
  }
  int sync(int fd) override {
    return pass("sync", [&] { return files_.sync(fd); });
  }
  int rename(const std::string& from, const std::string& to) override {
    return pass("rename", [&] { return files_.rename(from, to); });
  }
  int remove(const std::string& path) override {
    return pass("remove", [&] { return files_.remove(path); });
  }
  int make_folder(const std::string& path) override {
    return pass("make folder", [&] { return files_.make_folder(path); });
  }
  int list(const std::string& folder, std::vector<std::string>& names) override {
    return pass("list", [&] { return files_.list(folder, names); });
  }

 private:
  template <class Call>
  auto pass(const char* name, Call call) -> decltype(call()) {
    const std::scoped_lock lock(mutex_);  // a large file is written on several threads
    const int number = static_cast<int>(calls.size());
    calls.emplace_back(name);
    if (decide) {
      if (const int fault = decide(name, number); fault != 0) return fault;
    }
    const auto result = call();
    after();
    return result;
  }

  counterpoint::FileOperations& files_;
  std::mutex mutex_;
};

// One folder's worth of files in memory. Data is durable after a sync of its file, names after a
// sync of the folder; nothing else is.
class MemoryDisk final : public counterpoint::FileOperations {
 public:
  struct Inode {
    std::string visible;
    std::string durable;
  };

  bool file_syncs_work = true;
  bool folder_syncs_work = true;

  // A file as it is, without calls.
  void put(const std::string& path, const std::string& bytes) {
    names_[path] = std::make_shared<Inode>(Inode{bytes, bytes});
  }

  // What a loss of power leaves: names and data each as they were last synced, or as they were
  // seen.
  void lose_power(bool keep_names, bool keep_data) {
    if (!keep_names) names_ = durable_names_;
    durable_names_ = names_;
    for (auto& [name, inode] : names_) {
      if (!keep_data) inode->visible = inode->durable;
      inode->durable = inode->visible;
    }
    open_.clear();
  }

  int open(const std::string& path, int flags, mode_t) override {
    if ((flags & O_DIRECTORY) != 0) return opened(nullptr);
    auto found = names_.find(path);
    if ((flags & O_CREAT) != 0) {
      if (found != names_.end() && (flags & O_EXCL) != 0) return -EEXIST;
      if (found == names_.end()) found = names_.emplace(path, std::make_shared<Inode>()).first;
    }
    return found == names_.end() ? -ENOENT : opened(found->second);
  }
  int close(int fd) override { return open_.erase(fd) == 1 ? 0 : -EBADF; }
  int status(int fd, struct stat& result) override { return describe(*open_.at(fd), result); }
  int status_of(const std::string& path, struct stat& result) override {
    const auto found = names_.find(path);
    return found == names_.end() ? -ENOENT : describe(*found->second, result);
  }
  int lock(int) override { return 0; }
  std::int64_t read(int fd, std::span<std::byte> bytes, std::uint64_t offset) override {
    const std::string& visible = open_.at(fd)->visible;
    const std::size_t count = std::min(bytes.size(), visible.size() - offset);
    std::memcpy(bytes.data(), visible.data() + offset, count);
    return static_cast<std::int64_t>(count);
  }
  std::int64_t write(int fd, std::span<const std::byte> bytes, std::uint64_t offset) override {
    std::string& visible = open_.at(fd)->visible;
    visible.resize(std::max<std::size_t>(visible.size(), offset + bytes.size()));
    std::memcpy(visible.data() + offset, bytes.data(), bytes.size());
    return static_cast<std::int64_t>(bytes.size());
  }
  int sync(int fd) override {
    const auto& inode = open_.at(fd);
    if (inode != nullptr && file_syncs_work) inode->durable = inode->visible;
    if (inode == nullptr && folder_syncs_work) durable_names_ = names_;
    return 0;
  }
  int rename(const std::string& from, const std::string& to) override {
    const auto found = names_.find(from);
    if (found == names_.end()) return -ENOENT;
    names_[to] = found->second;
    names_.erase(from);
    return 0;
  }
  int remove(const std::string& path) override { return names_.erase(path) == 1 ? 0 : -ENOENT; }
  int make_folder(const std::string&) override { return -EEXIST; }
  int list(const std::string&, std::vector<std::string>& names) override {
    for (const auto& [path, inode] : names_) names.push_back(path.substr(path.rfind('/') + 1));
    return 0;
  }

 private:
  int opened(std::shared_ptr<Inode> inode) {
    open_[++last_fd_] = std::move(inode);
    return last_fd_;
  }
  static int describe(const Inode& inode, struct stat& result) {
    result = {};
    result.st_mode = S_IFREG;
    result.st_ino = reinterpret_cast<ino_t>(&inode);
    result.st_size = static_cast<off_t>(inode.visible.size());
    return 0;
  }

  std::map<std::string, std::shared_ptr<Inode>> names_;
  std::map<std::string, std::shared_ptr<Inode>> durable_names_;
  std::map<int, std::shared_ptr<Inode>> open_;  // null for the folder
  int last_fd_ = 2;
};

}  // namespace checkpoint_tests
