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

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/durable_file.h"
#include "counterpoint/checkpoint/internal/file_errors.h"
#include "counterpoint/checkpoint/internal/open_file.h"
#include "counterpoint/checkpoint/internal/readable_file.h"
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

Folder::Folder(std::shared_ptr<FileOperations> files, std::string path)
    : shared_files_(std::move(files)),
      files_(*shared_files_),
      path_(std::move(path)),
      lock_(files_, -ENOENT) {
  while (path_.size() > 1 && path_.ends_with('/')) path_.pop_back();
  create();
}

Folder::~Folder() {
  if (lock_.fd() >= 0 && owner_ == ::getpid()) files_.unlock(lock_.fd());
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
    if (last && result < 0 && result != -EEXIST) {
      throw_file_error(path_, "create the folder", result);
    }
    const std::string parent = folder_of(part);
    if (result == 0) not_synced_.insert(parent);
    if (last && result < 0) {
      // Who made it may have been killed before this. Where this process may not look it was not
      // us.
      const int synced = sync_folder(files_, parent);
      const bool denied = synced == -EACCES || synced == -EPERM || synced == -EROFS;
      if (synced < 0 && !denied) not_synced_.insert(parent);
    }
    if (last) break;
  }
  uncertainty();
}

std::string Folder::uncertainty() {
  std::string reason;
  for (auto parent = not_synced_.begin(); parent != not_synced_.end();) {
    const int result = sync_folder(files_, *parent);
    if (result == 0) {
      parent = not_synced_.erase(parent);
      continue;
    }
    reason = fmt::format(
        "{}: the folder {} could not be synced ({}): a loss of power may take the folder of the "
        "checkpoints away; save again",
        path_, *parent, errno_text(result));
    ++parent;
  }
  return reason;
}

bool Folder::lock(double timeout_seconds) {
  const std::string path = path_ + "/" + lock_name;
  const Deadline deadline(timeout_seconds);
  do {
    const int fd = files_.open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) throw_file_error(path_, "open the folder's lock file", fd);
    OpenFile opened(files_, fd);
    const int locked = wait_for_lock(opened.fd(), deadline);
    if (locked == -EWOULDBLOCK) return false;
    if (locked < 0) throw_file_error(path, "lock", locked);
    // While it was waited for, it may have been removed and made anew, for another job.
    const int ours = is_at(files_, opened.fd(), path);
    if (ours < 0) throw_file_error(path, "look at", ours);
    if (ours == 1) {
      lock_.swap(opened);
      owner_ = ::getpid();
      return true;
    }
  } while (!deadline.expired());
  return false;
}

int Folder::wait_for_lock(int fd, Deadline deadline) {
  int locked = files_.lock(fd);
  while (locked == -EWOULDBLOCK && !deadline.expired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    locked = files_.lock(fd);
  }
  return locked;
}

void Folder::require_ours() {
  const std::string path = path_ + "/" + lock_name;
  const int ours = is_at(files_, lock_.fd(), path);
  if (ours < 0) throw_file_error(path, "look at", ours);
  if (ours == 1) return;
  struct stat named {};
  const int there = files_.status_of(path, named);
  if (there < 0 && there != -ENOENT) throw_file_error(path, "look at", there);
  if (there == -ENOENT && lock(0)) return;
  throw Error(
      ErrorCode::unavailable,
      fmt::format("{}: its lock file {} was removed or the folder made anew, and another job "
                  "has taken it since; save in a folder of this job's own, with a new "
                  "manager",
                  path_, lock_name));
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

void Folder::remove_old(const Retention& retention, std::int64_t saved) {
  require_ours();
  int kept = 0;
  Attempt failed;
  for (const std::int64_t step : steps()) {
    if (retention.damaged.contains(step)) continue;
    if (kept < retention.keep || step == saved) {
      if (step == saved || is_checkpoint(step)) ++kept;
    } else if (retention.keep_every == 0 || step % retention.keep_every != 0) {
      const int result = files_.remove(path_of(step));
      if (result == 0 || result == -ENOENT) continue;
      const Attempt one = attempting([&] { throw_file_error(path_of(step), "remove it", result); });
      failed.emplace(one->code(),
                     failed ? failed->message() + "; " + one->message() : one->message());
    }
  }
  if (failed) throw *failed;
}

// As far as its header tells: what was damaged or put there by others is not one of those to keep.
bool Folder::is_checkpoint(std::int64_t step) const {
  return !attempting([&] { ReadableFile(files_, path_of(step)).check_header(); });
}

}  // namespace counterpoint::inline v1::checkpoint_internal
