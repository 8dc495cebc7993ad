// Objects out of the bytes of a checkpoint file. The bytes are untrusted: names are looked up and
// never walked, links are hard, types are exact, and nothing is allocated by a number of the file
// before it is checked against the file's own size.
//
//   check_sealed(path, bytes);                          // whole, and of a version that we read
//   const ImageReader reader(path, bytes);
//   for (const std::string& name : reader.names()) ...
//   std::optional<SavedObject> noise = reader.read("noise");
//
// Thread-safety: one thread at a time; the bytes must outlive the reader and what it read, whose
// tensors refer to them.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1::checkpoint_internal {

class ImageReader {
 public:
  // `file` has passed check_digest(). Errors: data_loss for a file that libhdf5 or the rules above
  // refuse, and failed_precondition for another stream version.
  ImageReader(std::string path, std::span<const std::byte> file);
  ~ImageReader();

  // The root's attributes: format and stream version, and what else a writer noted.
  const SavedObject& root() const;
  // Of the objects in the file, in its order.
  const std::vector<std::string>& names() const;
  // Empty if the file names no such object. Errors: data_loss.
  std::optional<SavedObject> read(const std::string& name) const;

 private:
  class File;
  std::unique_ptr<File> file_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
