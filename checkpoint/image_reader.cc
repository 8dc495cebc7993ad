#include "counterpoint/checkpoint/internal/image_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/hdf5.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// The core driver reads from the caller's bytes: nothing is copied, nothing freed.
H5FD_file_image_callbacks_t callbacks_over(std::span<const std::byte>& bytes) {
  const auto lend = [](size_t, H5FD_file_image_op_t, void* user) -> void* {
    const auto& lent = *static_cast<std::span<const std::byte>*>(user);
    return const_cast<std::byte*>(lent.data());
  };
  return {
      .image_malloc = lend,
      .image_memcpy = [](void* to, const void* from, size_t, H5FD_file_image_op_t, void*) -> void* {
        return to == from ? to : nullptr;
      },
      .image_realloc = [](void*, size_t, H5FD_file_image_op_t, void*) -> void* { return nullptr; },
      .image_free = [](void*, H5FD_file_image_op_t, void*) -> herr_t { return 0; },
      .udata_copy = [](void* user) { return user; },
      .udata_free = [](void*) -> herr_t { return 0; },
      .udata = &bytes,
  };
}

std::vector<std::string> split_names(std::string_view joined) {
  std::vector<std::string> names;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find('/'), joined.size());
    names.emplace_back(joined.substr(0, end));
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return names;
}

}  // namespace

class ImageReader::File {
 public:
  File(std::string path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  void open() {
    check_sealed(path_, bytes_);
    const Hdf5Session session;
    H5FD_file_image_callbacks_t callbacks = callbacks_over(bytes_);
    const Id access(checked(H5Pcreate(H5P_FILE_ACCESS), "create properties"), H5Pclose);
    checked(H5Pset_fapl_core(access, 4096, false), "choose the core driver");
    checked(H5Pset_file_image_callbacks(access, &callbacks), "set image callbacks");
    checked(H5Pset_file_image(access, const_cast<std::byte*>(bytes_.data()), bytes_.size()),
            "lend a file image");
    checked(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "set the close degree");
    file_ = Id(ours(H5Fopen("/dev/null/checkpoint", H5F_ACC_RDONLY, access), "open the file"),
               H5Fclose);
    root_group_ = Id(ours(H5Gopen2(file_, "/", H5P_DEFAULT), "open the root group"), H5Gclose);
    check_group(root_group_, "/");
    root_.type = read_string(root_group_, "/", type_attribute);
    if (root_.type != "checkpoint") fail("/", fmt::format("is a '{}', no checkpoint", root_.type));
    names_ = read_names(root_group_, "/", members_attribute);
    read_attributes(root_group_, "/", root_);
    const auto version = root_.attributes.find("stream_version");
    const auto* number =
        version == root_.attributes.end() ? nullptr : std::get_if<std::int64_t>(&version->second);
    if (number == nullptr) fail("/", "has no stream_version");
    if (*number != stream_version) {
      throw Error(ErrorCode::failed_precondition,
                  fmt::format("{}: its generators follow stream version {}, this library version "
                              "{}: they would go on with other numbers. Restore it with the "
                              "version of Counterpoint that wrote it, see CHANGELOG.md",
                              path_, *number, stream_version));
    }
  }

  ~File() {
    const Hdf5Session session;
    root_group_ = Id();
    file_ = Id();
  }

  const SavedObject& root() const { return root_; }
  const std::vector<std::string>& names() const { return names_; }

  std::optional<SavedObject> read(const std::string& name) {
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) return std::nullopt;
    const Hdf5Session session;
    return read_member(root_group_, "", name, 1);
  }

 private:
  [[noreturn]] void fail(const std::string& object, const std::string& what) const {
    throw Error(ErrorCode::data_loss,
                fmt::format("{}: '{}' {}; use another checkpoint", path_, object, what));
  }

  // As checked(), for what a bad file can make fail.
  template <class Result>
  Result ours(Result result, const char* doing) const {
    if (result < 0) {
      throw Error(ErrorCode::data_loss,
                  fmt::format("{}: libhdf5 could not {} ({}); use another checkpoint", path_, doing,
                              hdf5_error_text()));
    }
    return result;
  }

  void count_entry(const std::string& object) {
    if (++entries_ > max_entries)
      fail(object, fmt::format("is one of more than {} entries", max_entries));
  }

  // Groups can carry filters too, which would run on the first look-up.
  void check_group(hid_t group, const std::string& object) const {
    const Id properties(ours(H5Gget_create_plist(group), "read a group's properties"), H5Pclose);
    if (ours(H5Pget_nfilters(properties), "count filters") != 0) fail(object, "has filters");
  }

  void check_hard_link(hid_t group, const std::string& object, const std::string& name) const {
    H5L_info_t link;
    ours(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT), "look up a name");
    if (link.type != H5L_TYPE_HARD) fail(object, "is a soft, external or user-defined link");
  }

  SavedObject read_member(hid_t parent, const std::string& parent_path, const std::string& name,
                          int depth) {
    const std::string object = parent_path + "/" + name;
    if (depth > max_depth) fail(object, fmt::format("is nested deeper than {}", max_depth));
    count_entry(object);
    check_hard_link(parent, object, name);
    const Id group(ours(H5Oopen(parent, name.c_str(), H5P_DEFAULT), "open an object"), H5Oclose);
    if (H5Iget_type(group) != H5I_GROUP) fail(object, "is no group");
    check_group(group, object);

    SavedObject saved;
    saved.type = read_string(group, object, type_attribute);
    read_attributes(group, object, saved);
    for (const std::string& value : read_names(group, object, values_attribute)) {
      saved.values.emplace(value, read_tensor(group, object + "/" + value, value));
    }
    for (const std::string& member : read_names(group, object, members_attribute)) {
      saved.members.emplace(member, read_member(group, object, member, depth + 1));
    }
    return saved;
  }

  void read_attributes(hid_t group, const std::string& object, SavedObject& saved) {
    for (const std::string& name : read_names(group, object, attributes_attribute)) {
      if (is_layout_attribute(name)) fail(object, fmt::format("lists '{}' as an attribute", name));
      count_entry(object);
      const Id attribute = open_attribute(group, object, name);
      const Id type(ours(H5Aget_type(attribute), "read an attribute's type"), H5Tclose);
      if (ours(H5Tequal(type, H5T_STD_I64LE), "compare types") > 0) {
        std::int64_t number = 0;
        ours(H5Aread(attribute, H5T_STD_I64LE, &number), "read an attribute");
        saved.attributes.emplace(name, number);
      } else {
        saved.attributes.emplace(name, read_string_of(attribute, type, object, name));
      }
    }
  }

  // Names from the file are as untrusted as the rest.
  std::vector<std::string> read_names(hid_t group, const std::string& object,
                                      std::string_view attribute) const {
    const int there =
        ours(H5Aexists(group, std::string(attribute).c_str()), "look up an attribute");
    if (there == 0) return {};
    std::vector<std::string> names = split_names(read_string(group, object, attribute));
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      const std::string fault = fault_of_name(name);
      if (!fault.empty()) fail(object, fmt::format("lists a name that {}", fault));
      if (!seen.insert(name).second) fail(object, fmt::format("lists '{}' twice", name));
    }
    return names;
  }

  // A scalar attribute.
  Id open_attribute(hid_t group, const std::string& object, std::string_view name) const {
    if (ours(H5Aexists(group, std::string(name).c_str()), "look up an attribute") == 0) {
      fail(object, fmt::format("has no attribute '{}'", name));
    }
    Id attribute(ours(H5Aopen(group, std::string(name).c_str(), H5P_DEFAULT), "open an attribute"),
                 H5Aclose);
    const Id space(ours(H5Aget_space(attribute), "read an attribute's shape"), H5Sclose);
    if (H5Sget_simple_extent_type(space) != H5S_SCALAR) {
      fail(object, fmt::format("has an attribute '{}' that is no scalar", name));
    }
    return attribute;
  }

  std::string read_string(hid_t group, const std::string& object, std::string_view name) const {
    const Id attribute = open_attribute(group, object, name);
    const Id type(ours(H5Aget_type(attribute), "read an attribute's type"), H5Tclose);
    return read_string_of(attribute, type, object, name);
  }

  std::string read_string_of(hid_t attribute, hid_t type, const std::string& object,
                             std::string_view name) const {
    if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) {
      fail(object, fmt::format("has an attribute '{}' that is neither a fixed-length string nor a "
                               "64-bit integer",
                               name));
    }
    const std::size_t size = H5Tget_size(type);
    if (size > max_attribute_bytes) {
      fail(object, fmt::format("has {} bytes in its attribute '{}', more than {}", size, name,
                               max_attribute_bytes));
    }
    std::string text(size, '\0');
    ours(H5Aread(attribute, type, text.data()), "read an attribute");
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }

  Tensor read_tensor(hid_t group, const std::string& object, const std::string& name) {
    count_entry(object);
    check_hard_link(group, object, name);
    const Id dataset(ours(H5Oopen(group, name.c_str(), H5P_DEFAULT), "open an object"), H5Oclose);
    if (H5Iget_type(dataset) != H5I_DATASET) fail(object, "is no dataset");
    const DType dtype = read_dtype(dataset, object);
    Shape shape = read_shape(dataset, object);
    const std::size_t bytes = check_storage(dataset, object, dtype, shape);

    Tensor tensor(dtype, std::move(shape));
    if (bytes > 0) {
      const Id type = file_type(dtype);
      ours(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes().data()),
           "read a dataset");
    }
    return tensor;
  }

  DType read_dtype(hid_t dataset, const std::string& object) const {
    const Id type(ours(H5Dget_type(dataset), "read a dataset's type"), H5Tclose);
    for (const DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i32,
                              DType::i64, DType::u32, DType::u64}) {
      if (ours(H5Tequal(type, file_type(dtype)), "compare types") > 0) return dtype;
    }
    fail(object, "has an element type that is none of the format's eight");
  }

  Shape read_shape(hid_t dataset, const std::string& object) const {
    const Id space(ours(H5Dget_space(dataset), "read a dataset's shape"), H5Sclose);
    const H5S_class_t kind = H5Sget_simple_extent_type(space);
    if (kind == H5S_SCALAR) return {};
    const int rank = H5Sget_simple_extent_ndims(space);
    if (kind != H5S_SIMPLE || rank < 1 || rank > max_rank) fail(object, "has no simple shape");
    std::vector<hsize_t> lengths(static_cast<std::size_t>(rank));
    std::vector<hsize_t> limits(lengths.size());
    ours(H5Sget_simple_extent_dims(space, lengths.data(), limits.data()), "read a shape");
    if (lengths != limits) fail(object, "can be extended");
    Shape shape;
    for (const hsize_t length : lengths) {
      if (length > static_cast<hsize_t>(INT64_MAX)) fail(object, "has a dimension beyond 2^63");
      shape.push_back(static_cast<std::int64_t>(length));
    }
    return shape;
  }

  // Contiguous, unfiltered, in this file, and all of it there. Returns its size in bytes.
  std::size_t check_storage(hid_t dataset, const std::string& object, DType dtype,
                            const Shape& shape) {
    const Id properties(ours(H5Dget_create_plist(dataset), "read a dataset's properties"),
                        H5Pclose);
    if (H5Pget_layout(properties) != H5D_CONTIGUOUS) fail(object, "is not stored contiguously");
    if (ours(H5Pget_nfilters(properties), "count filters") != 0) fail(object, "has filters");
    if (ours(H5Pget_external_count(properties), "count external files") != 0) {
      fail(object, "is stored in other files");
    }
    if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
    std::size_t bytes = dtype_size(dtype);
    for (const std::int64_t length : shape) {
      const auto factor = static_cast<std::size_t>(length);
      if (factor > bytes_.size() / bytes) {
        fail(object, fmt::format("has shape {}, more than a file of {} bytes can hold",
                                 shape_to_string(shape), bytes_.size()));
      }
      bytes *= factor;
    }
    if (H5Dget_storage_size(dataset) != bytes) fail(object, "is not stored whole");
    const haddr_t offset = H5Dget_offset(dataset);
    if (offset < header_bytes || offset > bytes_.size() || bytes > bytes_.size() - offset) {
      fail(object, fmt::format("lies outside of the file: {} bytes at {} in {}", bytes, offset,
                               bytes_.size()));
    }
    value_bytes_ += bytes;
    if (value_bytes_ > bytes_.size()) fail(object, "shares its storage with other values");
    return bytes;
  }

  std::string path_;
  std::span<const std::byte> bytes_;
  Id file_;
  Id root_group_;
  SavedObject root_;
  std::vector<std::string> names_;
  std::size_t entries_ = 0;      // of all reads, so that links to the same objects cannot multiply
  std::size_t value_bytes_ = 0;  // likewise
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
