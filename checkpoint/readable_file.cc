#include "counterpoint/checkpoint/internal/readable_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "counterpoint/checkpoint/internal/file_errors.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

namespace {

std::string checked(std::string path) {
  check_path(path);
  return path;
}

}  // namespace

std::shared_ptr<ReadableFile> open_shared(std::shared_ptr<FileOperations> files, std::string path) {
  auto* const file = new ReadableFile(*files, std::move(path));
  return {file, [files](const ReadableFile* closed) { delete closed; }};
}

FileBytes read_whole(FileOperations& files, const std::string& path, std::uint64_t max_bytes) {
  return ReadableFile(files, path).read_whole(max_bytes);
}

ReadableFile::ReadableFile(FileOperations& files, std::string path)
    : files_(files),
      path_(checked(std::move(path))),
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
  constexpr std::size_t piece_bytes = std::size_t{8} << 20;
  FileBytes bytes = FileBytes::allocate(size_);
  for (std::size_t begin = 0; begin < size_; begin += piece_bytes) {
    const std::size_t size = std::min<std::size_t>(piece_bytes, size_ - begin);
    bytes.populate_before(begin + size);
    read(bytes.span().subspan(begin, size), begin);
  }
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
  struct stat status {};
  if (files_.status_of(path_, status) < 0) status.st_mode = 0;
  throw Error(ErrorCode::failed_precondition,
              fmt::format("{}: {}; give the path of a checkpoint itself", path_,
                          kind_of(path_, status.st_mode)));
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
