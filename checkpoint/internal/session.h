// The protocol of saves and restores over a communicator, which Checkpoint and CheckpointManager
// share: rank 0 touches files, everybody agrees after each step that can fail.
//
//   Session session(world, objects, files);
//   session.begin_save(call);                              // collective: all are in step
//   SavedState state(session.view());                      // rank 0 alone, as the next
//   SaveReport report = session.write(state, path);
//   report = session.conclude_save(call, attempt, report);   // collective
//
// Thread-safety: one thread at a time; `write` may run on another, beside the rest.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/file_operations.h"
#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/durable_file.h"
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/internal/image_layout.h"
#include "counterpoint/checkpoint/internal/saved_state.h"
#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// A file that was read and validated, and the wanted objects out of it, which refer to its bytes.
struct LoadedFile {
  std::string path;
  FileBytes bytes;
  std::vector<std::optional<SavedObject>> objects;  // as the session's; empty where absent
  std::vector<std::string> unused;
  std::vector<LedgerEntry> drawn = {};  // before it was saved, where reuse is watched for
};

class Session {
 public:
  Session(std::shared_ptr<Communicator> communicator, NamedObjects objects,
          std::shared_ptr<FileOperations> files);

  Communicator& communicator() { return *communicator_; }
  FileOperations& files() { return *files_; }
  bool is_writer() const { return communicator_->rank() == 0; }
  // "'noise', 'weights'"
  const std::string& names() const { return names_; }

  // Errors: failed_precondition inside a replica context; local, before anything collective.
  static void check_context();

  // Collective. Errors: diverged, or what else an object's ensure_in_step() threw.
  void begin_save(const std::string& call);
  // The objects' state where it lies.
  SavedObject view() const;
  // Errors: as Checkpoint::save.
  SaveReport write(const SavedState& state, const std::string& path);
  // Collective: rank 0's report on every rank, or its error.
  SaveReport conclude_save(const std::string& call, const Attempt& attempt, SaveReport report);

  // Which file to restore: called on rank 0, first with null, then after each file that turned out
  // to be damaged with what is wrong with it. Empty when there is nothing to restore; may throw.
  using NextFile = std::function<std::optional<std::string>(const Error* damage)>;

  // Collective. Errors: as Checkpoint::restore.
  RestoreReport restore(const std::string& call, const RestoreOptions& options,
                        const NextFile& next_file);

 private:
  struct Prepared;

  // Asks every object; the first objection. Collective where the objects communicate.
  Attempt ask_all(void (Saveable::*question)());
  std::optional<LoadedFile> load(const std::string& call, const RestoreOptions& options,
                                 const NextFile& next_file);
  LoadedFile receive(const std::string& call, std::string path, ReadableFile* source,
                     std::uint64_t size);
  void decode(LoadedFile& file) const;
  std::vector<Prepared> prepare(const LoadedFile& file) const;
  void require_all(const std::string& call, const LoadedFile& file,
                   const std::vector<Prepared>& prepared);
  void refuse_together(std::vector<Prepared>& prepared);

  std::shared_ptr<Communicator> communicator_;
  NamedObjects objects_;
  std::shared_ptr<FileOperations> files_;
  std::string names_;
  std::optional<SavedObject> reuse_ledger_;  // of the save under way
  ImageLayout layout_;                       // of the save before
};

}  // namespace counterpoint::inline v1::checkpoint_internal
