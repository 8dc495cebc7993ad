#include "counterpoint/checkpoint/internal/image_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/untrusted_hdf5.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {

class ImageReader::File {
 public:
  File(std::string path, std::span<const std::byte> bytes)
      : bytes_(bytes), data_(std::move(path), bytes) {}

  void open() {
    const Hdf5Session session(Hdf5Use::opening);
    driver_.emplace(bytes_);
    file_ = data_.open(*driver_);
    root_group_ = data_.open_root(file_);
    root_.type = data_.string(root_group_, "/", type_attribute);
    if (root_.type != "checkpoint") {
      data_.fail("/", fmt::format("is a '{}', no checkpoint", root_.type));
    }
    names_ = data_.names(root_group_, "/", members_attribute);
    read_attributes(root_group_, "/", root_);
    check_format_version();
    check_stream_version();
  }

  ~File() {
    const Hdf5Session session(Hdf5Use::closing);
    root_group_ = Id();
    file_ = Id();
    driver_.reset();
  }

  const SavedObject& root() const { return root_; }
  const std::vector<std::string>& names() const { return names_; }

  std::optional<SavedObject> read(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) return std::nullopt;
    const Hdf5Session session(Hdf5Use::reading);
    return read_member(root_group_, "", name, 1);
  }

 private:
  // The header's, which is read first, is what counts: this one may be absent, but not another.
  void check_format_version() const {
    const auto version = root_.attributes.find("format_version");
    if (version == root_.attributes.end()) return;
    const auto* number = std::get_if<std::int64_t>(&version->second);
    if (number == nullptr) data_.fail("/", "has a format_version that is no integer");
    if (*number == format_version) return;
    throw Error(ErrorCode::failed_precondition,
                fmt::format("{}: its header says format version {}, its root group version {}: two "
                            "programs wrote it; write it again with one, see docs/format.md",
                            data_.path(), format_version, *number));
  }

  void check_stream_version() const {
    const auto version = root_.attributes.find("stream_version");
    const auto* number =
        version == root_.attributes.end() ? nullptr : std::get_if<std::int64_t>(&version->second);
    if (number == nullptr) data_.fail("/", "has no stream_version");
    if (*number != stream_version) {
      throw Error(ErrorCode::failed_precondition,
                  fmt::format("{}: its generators follow stream version {}, this library version "
                              "{}: they would go on with other numbers. Restore it with the "
                              "version of Counterpoint that wrote it, see CHANGELOG.md",
                              data_.path(), *number, stream_version));
    }
  }

  SavedObject read_member(hid_t parent, const std::string& parent_path, const std::string& name,
                          int depth) {
    const std::string object = parent_path + "/" + name;
    if (depth > max_depth) data_.fail(object, fmt::format("is nested deeper than {}", max_depth));
    const Id group = data_.open_group(parent, object, name);
    SavedObject saved;
    saved.type = data_.string(group, object, type_attribute);
    read_attributes(group, object, saved);
    for (const std::string& value : data_.names(group, object, values_attribute)) {
      saved.values.emplace(value, data_.tensor(group, object + "/" + value, value));
    }
    for (const std::string& member : data_.names(group, object, members_attribute)) {
      saved.members.emplace(member, read_member(group, object, member, depth + 1));
    }
    return saved;
  }

  void read_attributes(hid_t group, const std::string& object, SavedObject& saved) {
    for (const std::string& name : data_.names(group, object, attributes_attribute)) {
      saved.attributes.emplace(name, data_.attribute(group, object, name));
    }
  }

  std::span<const std::byte> bytes_;
  UntrustedHdf5 data_;
  std::optional<LendingDriver> driver_;
  Id file_;
  Id root_group_;
  SavedObject root_;
  std::vector<std::string> names_;
};

ImageReader::ImageReader(std::string path, std::span<const std::byte> file)
    : file_(std::make_unique<File>(std::move(path), file)) {
  file_->open();
}
ImageReader::~ImageReader() = default;

const SavedObject& ImageReader::root() const { return file_->root(); }
const std::vector<std::string>& ImageReader::names() const { return file_->names(); }
std::optional<SavedObject> ImageReader::read(const std::string& name) const {
  return file_->read(name);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
