// Saved objects as the bytes of an HDF5 file, built in memory: libhdf5 never sees a disk.
//
//   SavedObject root{.type = "checkpoint", ..., .members = {{"noise", noise.save()}}};
//   FileBytes file = write_image(root);   // sealed, ready for the disk
//
// Thread-safety: any. Determinism: the same objects give the same bytes.
#pragma once

#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// Errors: invalid_argument for a name, attribute or tensor that the format has no room for;
// failed_precondition for a tensor without data on the CPU; resource_exhausted without memory.
FileBytes write_image(const SavedObject& root);

}  // namespace counterpoint::inline v1::checkpoint_internal
