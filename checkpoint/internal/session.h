// The protocol of saves and restores over a communicator, which Checkpoint and CheckpointManager
// share: rank 0 touches files, everybody agrees after each step that can fail.
//
//   Session session(world, objects, files);
//   session.begin_save(call);                              // collective: all are in step
//   auto job = session.new_save(path);                     // rank 0 alone; written on a thread
//   const Attempt attempt = on_disk(session.communicator(), patience, [job] { job->write(); });
//   SaveReport report = session.conclude_save(call, attempt, job->report);   // collective
//
// Thread-safety: one thread at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/disk_task.h"
#include "counterpoint/checkpoint/internal/durable_file.h"
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/internal/image_layout.h"
#include "counterpoint/checkpoint/internal/save_job.h"
#include "counterpoint/checkpoint/internal/watched_files.h"
#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// A file that was read and validated, and the wanted objects out of it, which refer to its bytes.
struct LoadedFile {
  std::string path;
  std::shared_ptr<FileBytes> bytes;
  std::vector<std::optional<SavedObject>> objects;  // as the session's; empty where absent
  std::vector<std::string> unused;
  std::vector<LedgerEntry> drawn = {};  // before it was saved, where reuse is watched for
};

class Session {
 public:
  // `disk_timeout_seconds` is how long to wait for the disk where it shows no progress.
  Session(std::shared_ptr<Communicator> communicator, NamedObjects objects,
          std::shared_ptr<FileOperations> files, double disk_timeout_seconds);

  Communicator& communicator() { return *communicator_; }
  const std::shared_ptr<WatchedFiles>& files() const { return files_; }
  // With the disk under these files.
  Patience patience(std::string place, std::string advice) const {
    return {disk_timeout_seconds_, std::move(place), std::move(advice), files_};
  }
  bool is_writer() const { return communicator_->rank() == 0; }
  // "'noise', 'weights'"
  const std::string& names() const { return names_; }

  // Errors: failed_precondition inside a replica context; local, before anything collective.
  static void check_context();

  // Collective; all of the below. Errors: as Checkpoint::save; unavailable while a save that was
  // given up still has the disk.
  SaveReport save(const std::string& path, const std::source_location& location);

  // Values that ranks compare are read by `reader`, if there is one. Collective. Errors: diverged,
  // or what else an object's ensure_in_step() or view() threw.
  void begin_save(const std::string& call, const std::source_location& location,
                  const ValueReader& reader = {});
  // The objects' state where it lies, to be written to `path`. After begin_save().
  std::shared_ptr<SaveJob> new_save(std::string path);
  // Collective: rank 0's report on every rank, or its error.
  SaveReport conclude_save(const std::string& call, const Attempt& attempt, SaveReport report);

  // Which file to restore: called on rank 0, first with null, then after each file that turned out
  // to be damaged with what is wrong with it. Empty when there is nothing to restore; may throw. It
  // owns what it uses, as the work of a DiskTask.
  using NextFile = std::function<std::optional<std::string>(const Error* damage)>;

  // Collective; `place` is the file or folder that it looks at. Errors: as Checkpoint::restore.
  RestoreReport restore(const std::string& call, const std::string& place,
                        const std::source_location& location, const RestoreOptions& options,
                        const NextFile& next_file);

 private:
  struct Prepared;
  struct Candidate;

  // Asks every object; the first objection. Collective where the objects communicate.
  Attempt ask_all(const std::function<void(Saveable&)>& question);
  void compare_plain_values(const std::string& call, const ValueReader& reader);
  std::optional<LoadedFile> load(const std::string& call, const std::string& place,
                                 const RestoreOptions& options, const NextFile& next_file);
  LoadedFile receive(const std::string& call, Candidate& candidate, std::uint64_t size);
  void decode(LoadedFile& file) const;
  std::vector<Prepared> prepare(const LoadedFile& file) const;
  void require_all(const std::string& call, const LoadedFile& file,
                   const std::vector<Prepared>& prepared, const Attempt& told);
  void refuse_together(std::vector<Prepared>& prepared);
  RestoreReport report_of(const LoadedFile& file, const std::vector<Prepared>& prepared) const;

  std::shared_ptr<Communicator> communicator_;
  NamedObjects objects_;
  std::shared_ptr<WatchedFiles> files_;
  double disk_timeout_seconds_;
  std::string names_;
  // Of the save under way: what the objects hold, where that was looked at already; then a ledger.
  std::map<std::string, SavedObject> views_;
  std::optional<SavedObject> reuse_ledger_;
  std::shared_ptr<ImageLayout> layout_ = std::make_shared<ImageLayout>();  // of the save before
  std::weak_ptr<SaveJob> given_up_;  // kept by its disk for as long as that does not answer
};

}  // namespace counterpoint::inline v1::checkpoint_internal
