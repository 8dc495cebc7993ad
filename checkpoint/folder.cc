#include "counterpoint/checkpoint/internal/folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <functional>
#include <thread>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view suffix = ".h5";
constexpr const char* lock_name = ".counterpoint.lock";

}  // namespace

std::string file_name_of(std::int64_t step) {
  return fmt::format("{}{:08}{}", prefix, step, suffix);
}

std::optional<std::int64_t> step_of(const std::string& file_name) {
  if (!file_name.starts_with(prefix) || !file_name.ends_with(suffix)) return std::nullopt;
  const char* const end = file_name.data() + file_name.size() - suffix.size();
  std::int64_t step = -1;
  const auto [stop, error] = std::from_chars(file_name.data() + prefix.size(), end, step);
  // Only the one way to write a step: no step has two files.
  if (error != std::errc{} || stop != end || step < 0 || file_name != file_name_of(step)) {
    return std::nullopt;
  }
  return step;
}

Folder::Folder(FileOperations& files, std::string path)
    : files_(files), path_(std::move(path)), lock_(files, -ENOENT) {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  if (path_.empty()) path_ = ".";
  create();
}

bool Folder::take(double timeout_seconds) {
  if (!lock(timeout_seconds)) return false;
  remove_leftovers();
  return true;
}

void Folder::create() {
  for (std::size_t end = path_.find('/', 1);; end = path_.find('/', end + 1)) {
    const std::string part = path_.substr(0, end);
    const int result = files_.make_folder(part);
    const bool last = end == std::string::npos;
    if (result == 0) {
      // A folder that a loss of power takes away would take its checkpoints along.
      OpenFile parent(files_, files_.open(folder_of(part), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0));
      if (parent.fd() >= 0) files_.sync(parent.fd());
    } else if (result != -EEXIST && last) {
      throw_file_error(path_, "create the folder", result);
    }
    if (last) return;
  }
}

bool Folder::lock(double timeout_seconds) {
  const std::string path = path_ + "/" + lock_name;
  const int fd = files_.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) throw_file_error(path_, "open the folder's lock file", fd);
  OpenFile opened(files_, fd);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(timeout_seconds);
  int locked = files_.lock(opened.fd());
  while (locked == -EWOULDBLOCK && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    locked = files_.lock(opened.fd());
  }
  if (locked == -EWOULDBLOCK) return false;
  if (locked < 0) throw_file_error(path, "lock", locked);
  lock_.swap(opened);
  return true;
}

void Folder::require_ours() {
  const std::string path = path_ + "/" + lock_name;
  if (is_at(files_, lock_.fd(), path)) return;
  struct stat named {};
  if (files_.status_of(path, named) == -ENOENT && lock(0)) return;
  throw Error(ErrorCode::unavailable,
              fmt::format("{}: the folder was removed and made anew, and another job has taken it; "
                          "save in a folder of this job's own, with a new manager",
                          path_));
}

// Ours alone now: what looks like a temporary file was left by a writer that is dead.
void Folder::remove_leftovers() {
  std::vector<std::string> names;
  if (const int result = files_.list(path_, names); result < 0) {
    throw_file_error(path_, "list the folder", result);
  }
  for (const std::string& name : names) {
    if (is_temporary_name(name) && step_of(name.substr(1, name.size() - 5))) {
      files_.remove(path_ + "/" + name);
    }
  }
}

std::vector<std::int64_t> Folder::steps() const {
  std::vector<std::string> names;
  if (const int result = files_.list(path_, names); result < 0) {
    throw_file_error(path_, "list the folder", result);
  }
  std::vector<std::int64_t> found;
  for (const std::string& name : names) {
    if (const auto step = step_of(name)) found.push_back(*step);
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

bool Folder::remove(std::int64_t step) {
  const int result = files_.remove(path_of(step));
  return result == 0 || result == -ENOENT;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
