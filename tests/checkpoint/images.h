// Checkpoint files in memory, for tests of what their bytes hold.
#pragma once

#include "counterpoint/checkpoint/internal/file_bytes.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/image_writer.h"

namespace checkpoint_tests {

// The file that a save of `root` writes.
inline counterpoint::checkpoint_internal::FileBytes sealed_file(
    const counterpoint::SavedObject& root) {
  namespace internal = counterpoint::checkpoint_internal;
  const internal::FileImage image = internal::build_image(root);
  auto file = internal::FileBytes::allocate(image.size());
  image.read(0, file.span());
  internal::seal(file.span());
  return file;
}

}  // namespace checkpoint_tests
