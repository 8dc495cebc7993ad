// A file from rank 0's disk to the memory of every rank, hashed on the way: reading, sending and
// hashing overlap, and each rank hashes its share of the leaves.
//
//   Attempt attempt = receive_file(communicator, source, bytes, leaves);   // on every rank
//   check_digest(path, header, leaves);                                    // the same everywhere
//
// Thread-safety: as the communicator; rank 0 reads on threads that make no MPI call.
#pragma once

#include <span>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/digest_tree.h"
#include "counterpoint/checkpoint/internal/durable_file.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Collective. `source` is rank 0's open file, null on the others; `bytes` has the file's size on
// every rank, `leaves` one digest for each leaf behind the header block. Returns what went wrong
// with reading, on rank 0; the digests are of no use then. Errors: the communicator's.
Attempt receive_file(Communicator& communicator, ReadableFile* source, FileBytes& bytes,
                     std::span<Digest> leaves);

}  // namespace counterpoint::inline v1::checkpoint_internal
