#include "counterpoint/checkpoint/internal/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/internal/file_errors.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/open_file.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// A locked, empty temporary file that no other writer has. The lock dies with its process, so that
// a file without one was left by a killed writer.
int open_temporary(FileOperations& files, const std::string& path, mode_t mode) {
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
                   files.open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
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

// The image behind its header block. Each thread takes the next leaves from where they lie, hashes
// and writes them, so that hashing one overlaps with writing another. Errors: Failed.
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

// Who may use a file.
struct Access {
  mode_t mode;
  gid_t group;
};

// That of the file at `path`, whose owner may write; none where there is no file. Errors:
// failed_precondition for what is no file: a rename would put one in the place of a device, a
// socket or a link, and none of them can be restored.
std::optional<Access> access_of_replaced(FileOperations& files, const std::string& path) {
  struct stat there {};
  const int found = files.status_of(path, there);
  if (found == -ENOENT || found == -ENOTDIR) return std::nullopt;
  if (found == -ENAMETOOLONG || found == -EACCES) return std::nullopt;  // opening it will tell
  if (found < 0) throw_file_error(path, "look at", found);
  if (S_ISREG(there.st_mode)) return Access{(there.st_mode & 0777) | S_IWUSR, there.st_gid};
  throw Error(ErrorCode::failed_precondition,
              fmt::format("{}: {}, which a save does not replace; save under another name", path,
                          kind_of(path, there.st_mode)));
}

// Without what the group has and others have not.
mode_t without_group(mode_t mode) { return mode & (~mode_t{S_IRWXG} | mode << 3); }

// Where a file system has no permissions there is nothing to keep. Errors: Failed.
void keep_access(FileOperations& files, int fd, Access access) {
  const auto was_done = [](int result) {
    const bool is_refused = result == -EPERM || result == -ENOSYS || result == -EOPNOTSUPP ||
                            result == -EINVAL;  // a group unknown to the user namespace
    if (result < 0 && !is_refused) throw Failed{result};
    return result >= 0;
  };
  struct stat now {};
  if (const int result = files.status(fd, now); result < 0) throw Failed{result};
  // Another group must not get what was the old one's.
  const bool same_group = now.st_gid == access.group || was_done(files.set_group(fd, access.group));
  was_done(files.set_mode(fd, same_group ? access.mode : without_group(access.mode)));
}

}  // namespace

std::string temporary_path(const std::string& path) {
  const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
  return path.substr(0, name) + "." + path.substr(name) + ".tmp";
}

bool is_temporary_name(const std::string& name) {
  return name.size() > 5 && name.front() == '.' && name.ends_with(".tmp");
}

Durability write_durably(FileOperations& files, const std::string& path, const FileContent& content,
                         std::string* warning, const std::function<void()>& before_commit) {
  if (path.empty()) {
    throw Error(ErrorCode::invalid_argument, "the path is empty; name a file to save as");
  }
  check_path(path);
  const std::optional<Access> replaced = access_of_replaced(files, path);
  const std::string temporary = temporary_path(path);
  // What only its owner or group may read is not readable by others meanwhile either.
  const mode_t mode = replaced ? without_group(replaced->mode) : 0666;
  OpenFile file(files, open_temporary(files, temporary, mode));
  if (file.fd() < 0)
    throw_file_error(path, "create and lock a temporary file beside it", file.fd());

  // Under its name there may be another job's by now.
  const auto drop = [&] {
    if (is_at(files, file.fd(), temporary) == 1) files.remove(temporary);
  };
  const char* doing = "give the old file's permissions to it";
  int result = 0;
  try {
    if (replaced) keep_access(files, file.fd(), *replaced);
    doing = "write";
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

}  // namespace counterpoint::inline v1::checkpoint_internal
