// Named objects to one HDF5 file and back, on any number of ranks and replicas.
//
//   cp::Checkpoint checkpoint(world, {{"noise", noise}, {"weights", weights}, {"step", step}});
//   checkpoint.save("run/a.h5");                       // atomic: the old file or the new one
//   const auto report = checkpoint.restore("run/a.h5");  // all objects on all ranks, or none
//
// Everything here is collective over the communicator. Ranks wait for each other as long as its
// timeout_seconds says when this is made, or as the strategy of one of the objects does if that is
// less; one that does not come is named by the others, who can save and restore no more with this.
// Rank 0 alone touches files, and its path counts; while its disk is slow ranks answer each other,
// and after half an hour in which no read, write or other call of it came back all of them, or the
// only one, get deadline_exceeded: what moves may take longer in all. A file holds the first
// replica's state of each object, however many; docs/format.md describes it, h5dump and h5py read
// it.
//
// While a file is written it has a temporary one beside it, ".a.h5.tmp", which is locked. Children
// that were forked meanwhile (data loaders) share the lock: where SIGKILL ends the job, and not
// them, saves of that file throw unavailable until the last of them ends. End the job's whole
// process group.
//
// Thread-safety: one thread at a time, outside of a run.
// Determinism: the same state gives the same bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <source_location>

#include "counterpoint/checkpoint/restore_report.h"
#include "counterpoint/runtime/communicator.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

class FileOperations;
namespace checkpoint_internal {
class Session;
}

class COUNTERPOINT_PUBLIC Checkpoint {
  using Location = std::source_location;

 public:
  // `files` is where rank 0 reads and writes; null for the file system.
  // What was moved from throws failed_precondition.
  // Errors: invalid_argument for a name that is empty, twice there, "." or "..", longer than 255
  // bytes, or has a '/' or a control character.
  Checkpoint(std::shared_ptr<Communicator> communicator, NamedObjects objects,
             std::shared_ptr<FileOperations> files = nullptr);
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  // Checks that replicas are in step, then replaces the file at `path`, whole and synced, or leaves
  // it as it was. The folder must exist.
  // Errors, the same on every rank: diverged where replicas are not in step, or where numbers,
  // tensors or generators made outside of a strategy differ between ranks; deadline_exceeded, of
  // those ranks that came, where one did not; failed_precondition inside a replica context, or
  // where the folder is absent or not writable; resource_exhausted for a full disk or quota;
  // unavailable where the disk fails, another process writes this file, or a save that was given up
  // (deadline_exceeded) still has the disk. In each case the file that was there is still there;
  // but a save that was given up when the disk had begun to put the new file, whole, in its place
  // may end that yet, or has. Until then other saves of this file are refused.
  SaveReport save(const std::filesystem::path& path, Location location = Location::current());

  // Errors, the same on every rank: not_found for the file or an object in it; data_loss for a file
  // that is empty, truncated, damaged or no checkpoint; failed_precondition inside a replica
  // context, without permission, for what is no regular file (a directory, a link), or for a file
  // of another format or stream version; what an object
  // refused with, invalid_argument for another type, algorithm or element type. Then no object
  // changed on any rank.
  RestoreReport restore(const std::filesystem::path& path, const RestoreOptions& options = {},
                        Location location = Location::current());

 private:
  checkpoint_internal::Session& session();

  std::unique_ptr<checkpoint_internal::Session> session_;
};

}  // namespace counterpoint::inline v1
