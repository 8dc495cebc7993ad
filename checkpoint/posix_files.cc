#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/runtime/internal/size_signal_held.h"

namespace counterpoint::inline v1 {
namespace {

template <class Call>
auto retried(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result < 0 ? static_cast<decltype(result)>(-errno) : result;
}

class PosixFiles final : public FileOperations {
 public:
  int open(const std::string& path, int flags, mode_t mode) override {
    return retried([&] { return ::open(path.c_str(), flags, mode); });
  }
  // Not repeated: on Linux the descriptor is gone, whatever close returns.
  int close(int fd) override { return ::close(fd) < 0 ? -errno : 0; }
  int status(int fd, struct stat& result) override {
    return retried([&] { return ::fstat(fd, &result); });
  }
  int status_of(const std::string& path, struct stat& result) override {
    return retried([&] { return ::lstat(path.c_str(), &result); });
  }
  int lock(int fd) override {
    return retried([&] { return ::flock(fd, LOCK_EX | LOCK_NB); });
  }
  int unlock(int fd) override {
    return retried([&] { return ::flock(fd, LOCK_UN); });
  }
  int set_mode(int fd, mode_t mode) override {
    return retried([&] { return ::fchmod(fd, mode); });
  }
  int set_group(int fd, gid_t group) override {
    return retried([&] { return ::fchown(fd, static_cast<uid_t>(-1), group); });
  }
  std::int64_t read(int fd, std::span<std::byte> bytes, std::uint64_t offset) override {
    return retried([&] {
      return ::pread(fd, bytes.data(), std::min(bytes.size(), most), static_cast<off_t>(offset));
    });
  }
  std::int64_t write(int fd, std::span<const std::byte> bytes, std::uint64_t offset) override {
    const SizeSignalHeld held;
    const std::int64_t result = retried([&] {
      return ::pwrite(fd, bytes.data(), std::min(bytes.size(), most), static_cast<off_t>(offset));
    });
    if (result == -EFBIG) held.take();
    return result;
  }
  int begin_sync(int fd, std::uint64_t offset, std::uint64_t size) override {
#if defined(SYNC_FILE_RANGE_WRITE)
    // Without waiting, so that an error on the disk is left for sync() to report.
    const int result = retried([&] {
      return ::sync_file_range(fd, static_cast<off_t>(offset), static_cast<off_t>(size),
                               SYNC_FILE_RANGE_WRITE);
    });
    return result == -ENOSYS || result == -ESPIPE || result == -EINVAL ? 0 : result;
#else
    return FileOperations::begin_sync(fd, offset, size);
#endif
  }
  int sync(int fd) override {
    return retried([&] { return ::fsync(fd); });
  }
  int rename(const std::string& from, const std::string& to) override {
    return retried([&] { return ::rename(from.c_str(), to.c_str()); });
  }
  int remove(const std::string& path) override {
    return retried([&] { return ::unlink(path.c_str()); });
  }
  int make_folder(const std::string& path) override {
    return retried([&] { return ::mkdir(path.c_str(), 0777); });
  }
  int list(const std::string& folder, std::vector<std::string>& names) override {
    DIR* stream = ::opendir(folder.c_str());
    if (stream == nullptr) return -errno;
    errno = 0;
    while (const dirent* entry = ::readdir(stream)) names.emplace_back(entry->d_name);
    const int result = -errno;
    ::closedir(stream);
    return result;
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 30;  // Linux moves at most 2 GiB a call
};

}  // namespace

FileOperations::~FileOperations() = default;

int FileOperations::unlock(int /*fd*/) { return 0; }
int FileOperations::set_mode(int /*fd*/, mode_t /*mode*/) { return 0; }
int FileOperations::set_group(int /*fd*/, gid_t /*group*/) { return -ENOSYS; }
int FileOperations::begin_sync(int /*fd*/, std::uint64_t /*offset*/, std::uint64_t /*size*/) {
  return 0;
}

FileOperations& FileOperations::posix() {
  static PosixFiles files;
  return files;
}

}  // namespace counterpoint::inline v1
