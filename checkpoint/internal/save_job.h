// One save on rank 0's disk, with all that it needs: the thread that writes it may be kept by a
// disk that never answers, longer than who asked for it waits.
//
//   auto job = std::make_shared<SaveJob>(files, layout, root, "run/a.h5");
//   job->state.detach(copies);   // where the objects go on before it is written
//   job->write();                // on any thread
//   use(job->report);            // or job->state.abandon(): what has not begun to take the old
//                                // file's place never will
//
// Thread-safety: write() on one thread, beside `state` on others; `report` when that is done.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/image_layout.h"
#include "counterpoint/checkpoint/internal/saved_state.h"
#include "counterpoint/checkpoint/restore_report.h"

namespace counterpoint::inline v1::checkpoint_internal {

struct SaveJob {
  SaveJob(std::shared_ptr<FileOperations> file_operations, std::shared_ptr<ImageLayout> kept_layout,
          SavedObject root, std::string target);

  // Errors: as Checkpoint::save; what `before_commit` throws just before the new file would take
  // the old one's place; deadline_exceeded where the state was abandoned before that. What has
  // begun to take its place goes on, however long the disk needs: abandon() waits for no disk.
  // Meanwhile the temporary file is locked, so that nobody else can have saved to `path`.
  void write(const std::function<void()>& before_commit = nullptr);

  std::shared_ptr<FileOperations> files;
  std::shared_ptr<ImageLayout> layout;  // of the save before
  SavedState state;
  std::string path;
  SaveReport report;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
