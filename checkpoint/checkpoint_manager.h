// Numbered checkpoints in a folder: keeps the newest, restores the newest whole one.
//
//   cp::CheckpointManager checkpoints(world, "run/", {{"noise", noise}, {"step", step}});
//   std::int64_t step = checkpoints.restore_latest();  // 0 if there is none yet
//   while (step < 1000) { train(); checkpoints.save(++step); }
//   log(checkpoints.last_restore().to_string());
//
// Files are named checkpoint-00000017.h5 after their step. The folder is created as needed, and
// belongs to one manager at a time, on whatever machine. All calls are collective; ranks wait for
// each other as in Checkpoint, and rank 0 alone touches the folder.
// A relative folder is in the working directory that there was when the manager was made (with other
// `files`, where those look for it). Children
// that were forked (data loaders) have no part in it and may outlive the manager. But where SIGKILL
// ends the job, and not them, the folder is taken until the last of them ends: end the job's whole
// process group.
//
// Thread-safety: one thread at a time, outside of a run.
// Determinism: as Checkpoint.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <source_location>

#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

class FileOperations;

struct CheckpointManagerOptions {
  // How many of the newest checkpoints stay; at least 1. One that restore_latest found damaged, or
  // that does not begin like a checkpoint, is none of them; what it found damaged stays too, until
  // its step is saved again, so that somebody can look at it.
  int keep = 3;
  // Checkpoints whose step is a multiple of this stay for good; 0 for none.
  std::int64_t keep_every = 0;
  // How long to wait for a job that ends to let go of the folder; 0 or more. Ranks answer each
  // other meanwhile.
  double lock_timeout_seconds = 10;
  // How long to wait, on any number of ranks, for a disk that does not move: for any call of it to
  // come back, in a save, a restore, or for the folder; more than 0. All of a save may take longer.
  // Ranks answer each other meanwhile, so that it may be longer than the communicator's timeout.
  double write_timeout_seconds = 1800;
  // Where rank 0 reads and writes; null for the file system.
  std::shared_ptr<FileOperations> files = nullptr;
};

class COUNTERPOINT_PUBLIC CheckpointManager {
  using Location = std::source_location;

 public:
  // What was moved from throws failed_precondition.
  // Creates the folder, takes it, and removes what killed writers left in it.
  // Errors, on every rank: as Checkpoint; invalid_argument for options out of range or an empty
  // folder; failed_precondition where the folder cannot be made or written; unavailable while
  // another job has it; deadline_exceeded where the disk does not answer.
  CheckpointManager(std::shared_ptr<Communicator> communicator, const std::filesystem::path& folder,
                    NamedObjects objects, CheckpointManagerOptions options = {});
  CheckpointManager(CheckpointManager&&) noexcept;
  CheckpointManager& operator=(CheckpointManager&&) noexcept;
  ~CheckpointManager();

  // Saves as `step` (0 or more), then removes checkpoints beyond those to keep; the one just saved
  // and, while its durability is uncertain, all others stay. Where one cannot be removed the save
  // is good, and the report's warning says which. A step that exists is replaced.
  // Errors: as Checkpoint::save; unavailable where the lock file or the folder was removed and
  // another job has taken it since; invalid_argument for a negative step; deadline_exceeded where
  // the disk does not move for the write timeout, and wait() tells how it ended.
  SaveReport save(std::int64_t step, Location location = Location::current());

  // As save, but returns when rank 0 has copied the state, into memory that it keeps for the next
  // time: the first save also makes room, which takes about as long again or several times that. A
  // thread of it, which makes no MPI call, writes. At most one is under way: the next call of any
  // kind waits for it first, and throws what went wrong with it, having done nothing else. The
  // destructor waits too, on every rank, and drops an error; where an exception leads to it, ranks
  // do not wait for each other.
  void save_async(std::int64_t step, Location location = Location::current());
  // Waits for save_async and returns its report; an empty path if there is none under way.
  // Errors: as save; after deadline_exceeded it can be waited for again.
  SaveReport wait();

  // Restores the newest whole checkpoint and returns its step; 0, and nothing changed, if there is
  // none (a checkpoint of step 0 returns 0 too: last_restore().path tells them apart). Damaged ones
  // are stepped past and stay where they are: last_restore() names them.
  // Errors: data_loss if there are checkpoints but all are damaged; else as Checkpoint::restore.
  std::int64_t restore_latest(const RestoreOptions& options = {},
                              Location location = Location::current());

  // What the last restore_latest did.
  const RestoreReport& last_restore() const;

  // The file of a step, whether or not it exists.
  std::filesystem::path path_of(std::int64_t step) const;

 private:
  class State;
  State& state() const;

  std::unique_ptr<State> state_;
};

}  // namespace counterpoint::inline v1
