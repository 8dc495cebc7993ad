// The folder of a manager, on rank 0: taken by one job at a time, its checkpoints listed by step.
//
//   Folder folder(files, "run");
//   if (!folder.take(10.0)) ...               // locks, cleans up
//   for (std::int64_t step : folder.steps())  // newest first
//   folder.remove_old({.keep = 3}, 17);
//
// Thread-safety: one thread at a time; const functions beside it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/internal/open_file.h"
#include "counterpoint/kernels/export.h"
#include "counterpoint/runtime/internal/deadline.h"

namespace counterpoint::inline v1::checkpoint_internal {

// "checkpoint-00000017.h5"
std::string file_name_of(std::int64_t step);
COUNTERPOINT_PUBLIC std::optional<std::int64_t> step_of(const std::string& file_name);

// Which checkpoints stay.
struct Retention {
  int keep = 1;  // of the newest whole ones
  std::int64_t keep_every = 0;
  std::set<std::int64_t> damaged;  // known to be: not one of those kept, and never removed
};

class Folder {
 public:
  // Creates it. Errors: as throw_file_error().
  Folder(std::shared_ptr<FileOperations> files, std::string path);
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  // Lets go, also where a child that was forked meanwhile lives on; not in that child.
  ~Folder();
  // Before anything else: false if another job has it after `timeout_seconds`. Errors: as
  // throw_file_error().
  bool take(double timeout_seconds);

  std::string path_of(std::int64_t step) const { return path_ + "/" + file_name_of(step); }
  // Of the checkpoints there, newest first. Errors: as throw_file_error().
  std::vector<std::int64_t> steps() const;
  // Before each write, and again before it takes its place: that the lock is still that of the
  // folder at the path, where the lock file or all of the folder may have been removed and made
  // anew. Takes what nobody has taken. Errors: unavailable where another job has; as
  // throw_file_error().
  void require_ours();
  // Why the folder itself may not survive a loss of power, which takes its checkpoints along; empty
  // if it does. Tries again what failed before.
  std::string uncertainty();
  // All but those to keep and `saved`, the newest. Errors: as throw_file_error(), with all that
  // could not be removed.
  void remove_old(const Retention& retention, std::int64_t saved);

 private:
  void create();
  bool lock(double timeout_seconds);
  int wait_for_lock(int fd, Deadline deadline);
  void remove_leftovers();
  bool is_checkpoint(std::int64_t step) const;

  std::shared_ptr<FileOperations> shared_files_;
  FileOperations& files_;
  std::string path_;
  OpenFile lock_;
  pid_t owner_ = 0;                   // the process that took it
  std::set<std::string> not_synced_;  // folders in which a folder's name is not durable
};

}  // namespace counterpoint::inline v1::checkpoint_internal
