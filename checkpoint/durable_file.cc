#include "counterpoint/checkpoint/internal/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <vector>

#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// "a directory", for what is there and is no regular file.
std::string kind_of(const std::string& path, const std::filesystem::file_status& status) {
  switch (status.type()) {
    case std::filesystem::file_type::directory:
      return "a directory";
    case std::filesystem::file_type::symlink: {
      std::error_code ignored;
      return fmt::format("a symbolic link to '{}'",
                         std::filesystem::read_symlink(path, ignored).string());
    }
    case std::filesystem::file_type::fifo:
      return "a FIFO";
    case std::filesystem::file_type::socket:
      return "a socket";
    case std::filesystem::file_type::block:
    case std::filesystem::file_type::character:
      return "a device";
    default:
      return "no regular file";
  }
}

// A locked, empty temporary file that no other writer has. The lock dies with its process, so that
// a file without one was left by a killed writer.
int open_temporary(FileOperations& files, const std::string& path) {
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    OpenFile leftover(files, files.open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0));
    if (leftover.fd() >= 0) {
      if (const int locked = files.lock(leftover.fd()); locked < 0) return locked;
      const int there = is_at(files, leftover.fd(), path);
      if (there < 0) return there;
      if (there == 0) continue;  // renamed or replaced since it was opened
      if (const int removed = files.remove(path); removed < 0 && removed != -ENOENT) return removed;
    } else if (leftover.fd() == -ELOOP || leftover.fd() == -ENXIO) {
      if (const int removed = files.remove(path); removed < 0 && removed != -ENOENT) return removed;
    } else if (leftover.fd() != -ENOENT) {
      return leftover.fd();
    }
    OpenFile fresh(files,
                   files.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (fresh.fd() == -EEXIST) continue;
    if (fresh.fd() < 0) return fresh.fd();
    if (const int locked = files.lock(fresh.fd()); locked < 0) {
      if (locked != -EWOULDBLOCK && is_at(files, fresh.fd(), path) == 1) files.remove(path);
      return locked;
    }
    // Before the lock, another writer may have taken it for a leftover and put its own there.
    const int there = is_at(files, fresh.fd(), path);
    if (there < 0) return there;
    if (there == 0) continue;
    return fresh.release();
  }
  return -EWOULDBLOCK;
}

// -errno of a call that failed.
struct Failed {
  int error;
};

// Errors: Failed.
void write_all(FileOperations& files, int fd, std::span<const std::byte> bytes,
               std::uint64_t offset) {
  while (!bytes.empty()) {
    const std::int64_t written = files.write(fd, bytes, offset);
    if (written < 0) throw Failed{static_cast<int>(written)};
    if (written == 0) throw Failed{-EIO};
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

// The image behind its header block. Each thread takes the next leaves from where they lie, hashes and
// writes them, so that hashing one overlaps with writing another. Errors: Failed.
void write_sealed(FileOperations& files, int fd, const FileContent& content) {
  const std::uint64_t body = content.size() - header_bytes;
  std::vector<Digest> leaves(leaf_count(body));
  // With room for the header block: a file of one leaf is written by one call.
  const std::size_t room = header_bytes + std::min<std::uint64_t>(body, 2 * leaf_bytes);
  const std::size_t workers = worker_count_for_leaves(leaves.size());
  std::vector<FileBytes> buffers;
  for (std::size_t i = 0; i < workers; ++i) buffers.push_back(FileBytes::allocate(room));
  const auto load = [&](std::size_t begin, std::size_t end, std::size_t worker) {
    const LeafRange range = leaf_range(body, begin, end);
    const auto bytes = buffers[worker].span().subspan(header_bytes, range.size);
    content.read(header_bytes + range.offset, bytes);
    hash_leaves(bytes, std::span(leaves).subspan(begin, end - begin));
    return bytes;
  };
  if (leaves.size() == 1) {
    load(0, 1, 0);
    const FileHeader header = sealed_header(content.size(), leaves);
    std::memcpy(buffers[0].span().data(), &header, sizeof(header));
    return write_all(files, fd, buffers[0].span(), 0);
  }
  for_each_pair_of_leaves(
      leaves.size(), workers, [&](std::size_t begin, std::size_t end, std::size_t worker) {
        const auto bytes = load(begin, end, worker);
        const std::uint64_t offset = header_bytes + leaf_range(body, begin, end).offset;
        write_all(files, fd, bytes, offset);
        const int begun = files.begin_sync(fd, offset, bytes.size());
        if (begun < 0) throw Failed{begun};
      });
  const FileHeader header = sealed_header(content.size(), leaves);
  write_all(files, fd, std::as_bytes(std::span(&header, 1)), 0);
}

}  // namespace

std::string errno_text(int error) { return std::generic_category().message(-error); }

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

std::string temporary_path(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  return path.substr(0, name) + "." + path.substr(name) + ".tmp";
}

bool is_temporary_name(const std::string& name) {
  return name.size() > 5 && name.front() == '.' && name.ends_with(".tmp");
}

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

Durability write_durably(FileOperations& files, const std::string& path, const FileContent& content,
                         std::string* warning, const std::function<void()>& before_commit) {
  if (path.empty()) {
    throw Error(ErrorCode::invalid_argument, "the path is empty; name a file to save as");
  }
  // A rename would put a file in the place of a device, a socket or a link; none of them can be restored.
  std::error_code ignored;
  const auto there = std::filesystem::symlink_status(path, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{}: {}, which a save does not replace; save under another name", path,
                            kind_of(path, there)));
  }
  const std::string temporary = temporary_path(path);
  OpenFile file(files, open_temporary(files, temporary));
  if (file.fd() < 0)
    throw_file_error(path, "create and lock a temporary file beside it", file.fd());

  // Under its name there may be another job's by now.
  const auto drop = [&] {
    if (is_at(files, file.fd(), temporary) == 1) files.remove(temporary);
  };
  const char* doing = "write";
  int result = 0;
  try {
    write_sealed(files, file.fd(), content);
    doing = "sync";
    result = files.sync(file.fd());
    if (result == 0 && before_commit) before_commit();
  } catch (const Failed& failed) {
    result = failed.error;
  } catch (...) {
    drop();
    throw;
  }
  if (result == 0) {
    doing = "rename the temporary file to it";
    result = files.rename(temporary, path);
  }
  if (result < 0) {
    // Also after a failed sync: what the kernel dropped then is not reported twice, so this
    // descriptor is never synced again.
    drop();
    throw_file_error(path, doing, result);
  }
  const int synced = sync_folder(files, folder_of(path));
  if (synced == 0) return Durability::durable;
  *warning = fmt::format(
      "{}: written and visible, but its folder could not be synced ({}): after a loss of power the "
      "file before it may be back; save again",
      path, errno_text(synced));
  return Durability::uncertain;
}

std::shared_ptr<ReadableFile> open_shared(std::shared_ptr<FileOperations> files, std::string path) {
  auto* const file = new ReadableFile(*files, std::move(path));
  return {file, [files](const ReadableFile* closed) { delete closed; }};
}

FileBytes read_whole(FileOperations& files, const std::string& path, std::uint64_t max_bytes) {
  return ReadableFile(files, path).read_whole(max_bytes);
}

ReadableFile::ReadableFile(FileOperations& files, std::string path)
    : files_(files),
      path_(std::move(path)),
      file_(files, files.open(path_, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0)) {
  const int fd = file_.fd();
  if (fd == -ENOENT || fd == -ENOTDIR) {
    throw Error(ErrorCode::not_found, fmt::format("{}: no such file; check the path", path_));
  }
  if (fd == -ELOOP || fd == -ENXIO || fd == -ENODEV) throw_no_file();
  if (fd < 0) throw_file_error(path_, "open", fd);
  struct stat status {};
  if (const int result = files_.status(fd, status); result < 0) {
    throw_file_error(path_, "look at", result);
  }
  if (!S_ISREG(status.st_mode)) throw_no_file();
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void ReadableFile::check_size(std::uint64_t max_bytes) const {
  if (size_ > max_bytes) {
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("{}: {} bytes, more than the {} that were allowed; raise the limit if "
                            "you trust the file",
                            path_, size_, max_bytes));
  }
}

void ReadableFile::check_header() {
  std::array<std::byte, header_bytes> header;
  const auto start = std::span(header).first(std::min<std::uint64_t>(header.size(), size_));
  read(start, 0);
  checkpoint_internal::check_header(path_, start, size_);
}

FileBytes ReadableFile::read_whole(std::uint64_t max_bytes) {
  check_size(max_bytes);
  FileBytes bytes = FileBytes::allocate(size_);
  read(bytes.span(), 0);
  return bytes;
}

void ReadableFile::read(std::span<std::byte> bytes, std::uint64_t offset) {
  if (offset > size_ || bytes.size() > size_ - offset) {
    throw_lost(fmt::format("{} bytes at {} are beyond its {} bytes", bytes.size(), offset, size_));
  }
  while (!bytes.empty()) {
    const std::int64_t got = files_.read(file_.fd(), bytes, offset);
    if (got == 0) throw_lost(fmt::format("shrank from {} bytes while it was read", size_));
    if (got < 0) throw_unread(static_cast<int>(got));
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void ReadableFile::throw_no_file() const {
  std::error_code ignored;
  throw Error(ErrorCode::failed_precondition,
              fmt::format("{}: {}; give the path of a checkpoint itself", path_,
                          kind_of(path_, std::filesystem::symlink_status(path_, ignored))));
}

void ReadableFile::throw_unread(int error) const {
  switch (-error) {
    case EIO:  // and what file systems say of what they find damaged
    case EBADMSG:
    case EILSEQ:
    case ENODATA:
    case EUCLEAN:
      throw_lost("could not be read: " + errno_text(error));
    case EAGAIN:  // of a read it is no other writer
      throw Error(ErrorCode::unavailable,
                  fmt::format("{}: could not read: {}; try again, and look at the disk", path_,
                              errno_text(error)));
    default:
      throw_file_error(path_, "read", error);
  }
}

void ReadableFile::throw_lost(const std::string& what) const {
  throw Error(ErrorCode::data_loss, fmt::format("{}: {}; use another checkpoint", path_, what));
}

}  // namespace counterpoint::inline v1::checkpoint_internal
