#include "counterpoint/checkpoint/checkpoint_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <span>
#include <utility>

#include "counterpoint/checkpoint/internal/agreement.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/image_reader.h"
#include "counterpoint/checkpoint/internal/readable_file.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

class CheckpointFile::Content {
 public:
  Content(std::string path, std::uint64_t max_file_bytes)
      : path_(std::move(path)),
        bytes_(checkpoint_internal::read_whole(FileOperations::posix(), path_, max_file_bytes)),
        reader_(path_, checked(path_, bytes_)) {}

  std::uint64_t size_bytes() const { return bytes_.size(); }
  const checkpoint_internal::ImageReader& reader() const { return reader_; }
  const std::string& path() const { return path_; }

  // Null if there is none. Its tensors refer to the file's bytes.
  const SavedObject* read(const std::string& name) {
    const auto known = read_.find(name);
    if (known != read_.end()) return &known->second;
    std::optional<SavedObject> object = reader_.read(name);
    return object ? &read_.emplace(name, std::move(*object)).first->second : nullptr;
  }

 private:
  static std::span<const std::byte> checked(const std::string& path,
                                            const checkpoint_internal::FileBytes& bytes) {
    checkpoint_internal::check_sealed(path, bytes.span());
    return bytes.span();
  }

  std::string path_;
  checkpoint_internal::FileBytes bytes_;
  checkpoint_internal::ImageReader reader_;
  // Each once: a file's values are counted as they are read.
  std::map<std::string, SavedObject> read_;
};

CheckpointFile::CheckpointFile(const std::filesystem::path& path, std::uint64_t max_file_bytes)
    : content_(checkpoint_internal::with_memory_errors(
          [&] { return std::make_unique<Content>(path.string(), max_file_bytes); })) {}
CheckpointFile::CheckpointFile(CheckpointFile&&) noexcept = default;
CheckpointFile& CheckpointFile::operator=(CheckpointFile&&) noexcept = default;
CheckpointFile::~CheckpointFile() = default;

std::uint64_t CheckpointFile::size_bytes() const { return content_->size_bytes(); }

const std::map<std::string, std::variant<std::int64_t, std::string>>& CheckpointFile::attributes()
    const {
  return content_->reader().root().attributes;
}

const std::vector<std::string>& CheckpointFile::names() const { return content_->reader().names(); }

SavedObject CheckpointFile::read(const std::string& name) const {
  return checkpoint_internal::with_memory_errors([&] { return SavedObject(view(name)); });
}

const SavedObject& CheckpointFile::view(const std::string& name) const {
  const SavedObject* const object =
      checkpoint_internal::with_memory_errors([&] { return content_->read(name); });
  if (object != nullptr) return *object;
  throw Error(ErrorCode::not_found, fmt::format("{}: no object '{}'; it has {}", content_->path(),
                                                name, fmt::join(names(), ", ")));
}

}  // namespace counterpoint::inline v1
