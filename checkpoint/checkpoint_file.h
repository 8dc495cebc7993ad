// What is in a checkpoint file, without the objects that it was saved from.
//
//   const cp::CheckpointFile file("run/checkpoint-00000017.h5");
//   for (const std::string& name : file.names()) log(name, file.read(name).type);
//   std::int64_t step = file.read("step").values.at("value").item<std::int64_t>();
//   log(file.size_bytes());
//
// The file is read whole and checked as a restore does: it is untrusted input.
// Thread-safety: one thread at a time. Not collective: each caller reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "counterpoint/runtime/saveable.h"

namespace counterpoint::inline v1 {

class COUNTERPOINT_PUBLIC CheckpointFile {
 public:
  // Errors: not_found, data_loss, failed_precondition, resource_exhausted, as Checkpoint::restore.
  explicit CheckpointFile(const std::filesystem::path& path,
                          std::uint64_t max_file_bytes = std::uint64_t{1} << 40);
  CheckpointFile(CheckpointFile&&) noexcept;
  CheckpointFile& operator=(CheckpointFile&&) noexcept;
  ~CheckpointFile();

  std::uint64_t size_bytes() const;
  // format_version, stream_version.
  const std::map<std::string, std::variant<std::int64_t, std::string>>& attributes() const;
  // Of the objects.
  const std::vector<std::string>& names() const;
  // Errors: not_found, naming those there are; data_loss, also where values add up to more than the
  // file.
  SavedObject read(const std::string& name) const;
  // Likewise, without a copy: what is returned, and the bytes that its tensors refer to, are there until
  // this is destroyed or assigned to.
  const SavedObject& view(const std::string& name) const;

 private:
  class Content;
  std::unique_ptr<Content> content_;
};

}  // namespace counterpoint::inline v1
