// A file from rank 0's disk to the memory of every rank, hashed on the way: reading, sending and
// hashing overlap, and each rank hashes its share of the leaves.
//
//   receive_file(communicator, source, bytes, leaves, patience);   // on every rank
//   check_digest(path, header, leaves);                            // the same everywhere
//
// Thread-safety: as the communicator; rank 0 reads on threads that make no MPI call.
#pragma once

#include <memory>
#include <vector>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/checkpoint/internal/disk_task.h"
#include "counterpoint/checkpoint/internal/readable_file.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Collective. `source` is rank 0's open file, null on the others; `bytes` has the file's size on
// every rank, `leaves` one digest for each leaf behind the header block. The source is closed,
// unless it cannot be: a disk that never answers keeps it and `bytes`. Errors, on every rank: the
// source's; deadline_exceeded where nothing more comes from the disk; the communicator's.
void receive_file(Communicator& communicator, std::shared_ptr<ReadableFile> source,
                  const std::shared_ptr<FileBytes>& bytes, std::vector<Digest>& leaves,
                  const Patience& patience);

}  // namespace counterpoint::inline v1::checkpoint_internal
