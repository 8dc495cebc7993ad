// Saved objects as a file of HDF5, laid out in memory: libhdf5 never sees a disk, and tensors stay
// where they are.
//
//   SavedObject root{.type = "checkpoint", ..., .members = {{"noise", noise.view()}}};
//   FileImage image = build_image(root);   // all but the header block
//
// Thread-safety: any. Determinism: the same objects give the same bytes.
#pragma once

#include "counterpoint/checkpoint/internal/file_image.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

// The image refers to the tensors of `root`, which stays where it is while the image is read.
// Errors: invalid_argument for a name, attribute or tensor that the format has no room for;
// failed_precondition for a tensor without data on the CPU; resource_exhausted without memory.
FileImage build_image(const SavedObject& root);

}  // namespace counterpoint::inline v1::checkpoint_internal
