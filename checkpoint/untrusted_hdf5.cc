#include "counterpoint/checkpoint/internal/untrusted_hdf5.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>

#include "counterpoint/checkpoint/internal/file_format.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

std::vector<std::string> split_names(std::string_view joined) {
  std::vector<std::string> names;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find('/'), joined.size());
    names.emplace_back(joined.substr(0, end));
    joined.remove_prefix(std::min(end + 1, joined.size()));
  }
  return names;
}

// libhdf5 loses memory of its own on malformed files and complains of it when the process ends.
// This runs before its own end, which was registered when the library was opened.
void quieten_exit() {
  [[maybe_unused]] static const int registered =
      std::atexit([] { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); });
}

}  // namespace

// libhdf5 answers some questions with "none" when it lacks memory: that is no damage either.
void UntrustedHdf5::fail(const std::string& object, const std::string& what) const {
  if (hdf5_lacks_memory()) throw_lost(("read '" + object + "'").c_str());
  throw Error(ErrorCode::data_loss,
              fmt::format("{}: '{}' {}; use another checkpoint", path_, object, what));
}

void UntrustedHdf5::throw_lost(const char* doing) const {
  if (hdf5_lacks_memory() || (driver_ != nullptr && driver_->lacks_memory())) {
    throw Error(ErrorCode::resource_exhausted,
                fmt::format("{}: no memory to {} ({}); free some and try again", path_, doing,
                            hdf5_error_text()));
  }
  if (driver_ != nullptr && driver_->refusal() != nullptr) {
    throw Error(ErrorCode::data_loss,
                fmt::format("{}: the file has {}, which the format has not; use another checkpoint",
                            path_, driver_->refusal()));
  }
  throw Error(ErrorCode::data_loss,
              fmt::format("{}: libhdf5 could not {} ({}); use another checkpoint", path_, doing,
                          hdf5_error_text()));
}

Id UntrustedHdf5::open(LendingDriver& driver) {
  quieten_exit();
  const Id access(checked(H5Pcreate(H5P_FILE_ACCESS), "create properties"), H5Pclose);
  driver_ = &driver;
  driver.use_in(access);
  checked(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "set the close degree");
  return {ours(H5Fopen(path_.c_str(), H5F_ACC_RDONLY, access), "open the file"), H5Fclose};
}

Id UntrustedHdf5::open_root(hid_t file) const {
  Id group(ours(H5Gopen2(file, "/", H5P_DEFAULT), "open the root group"), H5Gclose);
  check_group(group, "/");
  return group;
}

Id UntrustedHdf5::open_group(hid_t parent, const std::string& object, const std::string& name) {
  count_entry(object);
  check_hard_link(parent, object, name);
  Id group(ours(H5Oopen(parent, name.c_str(), H5P_DEFAULT), "open an object"), H5Oclose);
  if (H5Iget_type(group) != H5I_GROUP) fail(object, "is no group");
  check_group(group, object);
  return group;
}

void UntrustedHdf5::count_entry(const std::string& object) {
  if (++entries_ > max_entries)
    fail(object, fmt::format("is one of more than {} entries", max_entries));
}

// Groups can carry filters too, which would run on the first look-up.
void UntrustedHdf5::check_group(hid_t group, const std::string& object) const {
  const Id properties(ours(H5Gget_create_plist(group), "read a group's properties"), H5Pclose);
  if (ours(H5Pget_nfilters(properties), "count filters") != 0) fail(object, "has filters");
}

void UntrustedHdf5::check_hard_link(hid_t group, const std::string& object,
                                    const std::string& name) const {
  H5L_info_t link;
  ours(H5Lget_info(group, name.c_str(), &link, H5P_DEFAULT), "look up a name");
  if (link.type != H5L_TYPE_HARD) fail(object, "is a soft, external or user-defined link");
}

std::variant<std::int64_t, std::string> UntrustedHdf5::attribute(hid_t group,
                                                                 const std::string& object,
                                                                 const std::string& name) {
  if (is_layout_attribute(name)) fail(object, fmt::format("lists '{}' as an attribute", name));
  count_entry(object);
  const Id attribute = open_attribute(group, object, name);
  const Id type(ours(H5Aget_type(attribute), "read an attribute's type"), H5Tclose);
  if (ours(H5Tequal(type, H5T_STD_I64LE), "compare types") == 0) {
    return string_of(attribute, type, object, name);
  }
  check_own_type(type, object);
  std::int64_t number = 0;
  ours(H5Aread(attribute, H5T_STD_I64LE, &number), "read an attribute");
  return number;
}

// Names from the file are as untrusted as the rest.
std::vector<std::string> UntrustedHdf5::names(hid_t group, const std::string& object,
                                              std::string_view attribute) {
  const int there = ours(H5Aexists(group, std::string(attribute).c_str()), "look up an attribute");
  if (there == 0) return {};
  std::vector<std::string> found = split_names(string(group, object, attribute));
  std::set<std::string_view> seen;
  for (const std::string& name : found) {
    const std::string fault = fault_of_name(name);
    if (!fault.empty()) fail(object, fmt::format("lists a name that {}", fault));
    if (seen.size() > max_entries) {
      fail(object, fmt::format("lists more than {} entries", max_entries));
    }
    if (!seen.insert(name).second) fail(object, fmt::format("lists '{}' twice", name));
  }
  return found;
}

// A scalar attribute.
Id UntrustedHdf5::open_attribute(hid_t group, const std::string& object,
                                 std::string_view name) const {
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

std::string UntrustedHdf5::string(hid_t group, const std::string& object, std::string_view name) {
  const Id attribute = open_attribute(group, object, name);
  const Id type(ours(H5Aget_type(attribute), "read an attribute's type"), H5Tclose);
  return string_of(attribute, type, object, name);
}

std::string UntrustedHdf5::string_of(hid_t attribute, hid_t type, const std::string& object,
                                     std::string_view name) {
  if (H5Tget_class(type) != H5T_STRING || H5Tis_variable_str(type) != 0) {
    fail(object, fmt::format("has an attribute '{}' that is neither a fixed-length string nor a "
                             "64-bit integer",
                             name));
  }
  check_own_type(type, object);
  const std::size_t size = H5Tget_size(type);
  if (size > max_attribute_bytes) {
    fail(object, fmt::format("has {} bytes in its attribute '{}', more than {}", size, name,
                             max_attribute_bytes));
  }
  text_bytes_ += size;
  if (text_bytes_ > bytes_.size()) fail(object, "shares its attributes with other objects");
  std::string text(size, '\0');
  ours(H5Aread(attribute, type, text.data()), "read an attribute");
  text.resize(std::min(text.find('\0'), text.size()));
  if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text.resize(text.find_last_not_of(' ') + 1);
  return text;
}

// A committed type is another object of the file.
void UntrustedHdf5::check_own_type(hid_t type, const std::string& object) const {
  if (ours(H5Tcommitted(type), "look at a type") != 0) fail(object, "has a committed type");
}

Tensor UntrustedHdf5::tensor(hid_t group, const std::string& object, const std::string& name) {
  count_entry(object);
  check_hard_link(group, object, name);
  const Id dataset(ours(H5Oopen(group, name.c_str(), H5P_DEFAULT), "open an object"), H5Oclose);
  if (H5Iget_type(dataset) != H5I_DATASET) fail(object, "is no dataset");
  const DType dtype = dtype_of(dataset, object);
  Shape shape = shape_of(dataset, object);
  const std::span<const std::byte> stored = storage_of(dataset, object, dtype, shape);
  auto* const data = const_cast<std::byte*>(stored.data());
  if (reinterpret_cast<std::uintptr_t>(data) % dtype_size(dtype) == 0) {
    return Tensor::adopt(dtype, std::move(shape), {}, data, nullptr);
  }
  Tensor copy(dtype, std::move(shape));
  std::memcpy(copy.bytes().data(), data, stored.size());
  return copy;
}

DType UntrustedHdf5::dtype_of(hid_t dataset, const std::string& object) const {
  const Id type(ours(H5Dget_type(dataset), "read a dataset's type"), H5Tclose);
  check_own_type(type, object);
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i32, DType::i64,
                            DType::u32, DType::u64}) {
    if (ours(H5Tequal(type, file_type(dtype)), "compare types") > 0) return dtype;
  }
  fail(object, "has an element type that is none of the format's eight");
}

Shape UntrustedHdf5::shape_of(hid_t dataset, const std::string& object) const {
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

// Contiguous, unfiltered, in this file, and all of it there.
std::span<const std::byte> UntrustedHdf5::storage_of(hid_t dataset, const std::string& object,
                                                     DType dtype, const Shape& shape) {
  const Id properties(ours(H5Dget_create_plist(dataset), "read a dataset's properties"), H5Pclose);
  if (H5Pget_layout(properties) != H5D_CONTIGUOUS) fail(object, "is not stored contiguously");
  if (ours(H5Pget_nfilters(properties), "count filters") != 0) fail(object, "has filters");
  if (ours(H5Pget_external_count(properties), "count external files") != 0) {
    fail(object, "is stored in other files");
  }
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return {};
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
  return bytes_.subspan(offset, bytes);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
