// The protocol of saves and restores over a communicator, which Checkpoint and CheckpointManager
// share: rank 0 touches files, everybody agrees after each step that can fail.
//
//   Session session(world, objects, files);
//   session.begin_save(call);                               // collective: all are in step
//   Written written = session.write(session.snapshot(), path);   // rank 0 alone
//   SaveReport report = session.conclude_save(call, attempt, written, path);  // collective
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
#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/internal/draw_ledger.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// A file that was read and validated, and the wanted objects out of it.
struct LoadedFile {
  std::string path;
  FileBytes bytes;
  std::vector<std::optional<SavedObject>> objects;  // as the session's; empty where absent
  std::vector<std::string> unused;
  std::vector<LedgerEntry> drawn = {};
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
  // A copy of the objects' state.
  SavedObject snapshot() const;
  // Errors: as Checkpoint::save.
  SaveReport write(const SavedObject& root, const std::string& path);
  // Collective: rank 0's report on every rank, or its error.
  SaveReport conclude_save(const std::string& call, const Attempt& attempt, SaveReport report);

  // Rank 0's part of a restore. Errors: as Checkpoint::restore.
  LoadedFile load(const std::string& path, const RestoreOptions& options);
  // Collective. `load_file` is called on rank 0; empty when there is nothing to restore.
  RestoreReport restore(const std::string& call, const RestoreOptions& options,
                        const std::function<std::optional<LoadedFile>()>& load_file);

 private:
  struct Prepared;

  // Asks every object; the first objection. Collective where the objects communicate.
  Attempt ask_all(void (Saveable::*question)());
  LoadedFile decode(const std::string& path, FileBytes bytes) const;
  void distribute(LoadedFile& file, std::uint64_t size);
  std::vector<Prepared> prepare(const LoadedFile& file) const;
  void require_all(const std::string& call, const LoadedFile& file,
                   const std::vector<Prepared>& prepared);
  void refuse_together(std::vector<Prepared>& prepared);

  std::shared_ptr<Communicator> communicator_;
  NamedObjects objects_;
  std::shared_ptr<FileOperations> files_;
  std::string names_;
  std::optional<SavedObject> reuse_ledger_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
