// Where a checkpoint's bytes lie, kept from one save to the next: libhdf5 lays a file out again
// only when names, attributes, types or shapes have changed; otherwise the same metadata goes
// before and between the new values.
//
//   ImageLayout layout;
//   FileImage first = layout.image_of(step_1);    // asks libhdf5
//   FileImage second = layout.image_of(step_2);   // other values of the same shapes: does not
//
// Thread-safety: any. Determinism: the bytes are those of build_image(), which depend on a tensor's
// values nowhere but in their place.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/internal/file_image.h"
#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

class ImageLayout {
 public:
  // As build_image(root), and with its errors.
  FileImage image_of(const SavedObject& root);

 private:
  std::mutex mutex_;
  std::string structure_;  // of what image_ was built of; empty before the first
  FileImage image_;        // refers to tensors that may be gone: copied and referred anew
  std::vector<std::uint64_t> offsets_;  // of the tensors that are not empty, in order
};

}  // namespace counterpoint::inline v1::checkpoint_internal
