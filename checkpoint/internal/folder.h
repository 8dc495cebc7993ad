// The folder of a manager, on rank 0: taken by one job at a time, its checkpoints listed by step.
//
//   Folder folder(files, "run");
//   if (!folder.take(10.0)) ...               // locks, cleans up
//   for (std::int64_t step : folder.steps())  // newest first
//   folder.remove(step);
//
// Thread-safety: one thread at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/internal/durable_file.h"

namespace counterpoint::inline v1::checkpoint_internal {

// "checkpoint-00000017.h5"
std::string file_name_of(std::int64_t step);
std::optional<std::int64_t> step_of(const std::string& file_name);

class Folder {
 public:
  // Creates it. Errors: as throw_file_error().
  Folder(FileOperations& files, std::string path);
  // Before anything else: false if another job has it after `timeout_seconds`. Errors: as
  // throw_file_error().
  bool take(double timeout_seconds);

  std::string path_of(std::int64_t step) const { return path_ + "/" + file_name_of(step); }
  // Of the checkpoints there, newest first. Errors: as throw_file_error().
  std::vector<std::int64_t> steps() const;
  // Before each write: that the lock is still that of the folder at the path, which may have been
  // removed and made anew. Takes a new folder that nobody has taken. Errors: unavailable where
  // another job has; as throw_file_error().
  void require_ours();
  // Whether it is gone.
  bool remove(std::int64_t step);

 private:
  void create();
  bool lock(double timeout_seconds);
  void remove_leftovers();

  FileOperations& files_;
  std::string path_;
  OpenFile lock_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
