#include "counterpoint/checkpoint/internal/image_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/hdf5.h"
#include "counterpoint/checkpoint/internal/recording_driver.h"
#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

constexpr hsize_t aligned_bytes = 4096;  // values from this size on
constexpr hsize_t alignment = 64;

template <class Map>
std::string joined_names(const Map& map) {
  std::string names;
  for (const auto& [name, ignored] : map) names += (names.empty() ? "" : "/") + name;
  return names;
}

class Writer {
 public:
  explicit Writer(RecordingDriver& driver) : driver_(driver) {}

  void write_object(hid_t group, const SavedObject& object, const std::string& path, int depth) {
    if (depth > max_depth) fail(path, fmt::format("is nested deeper than {}", max_depth));
    write_string(group, path, type_attribute, object.type);
    write_names(group, path, values_attribute, joined_names(object.values));
    write_names(group, path, members_attribute, joined_names(object.members));
    write_names(group, path, attributes_attribute, joined_names(object.attributes));
    for (const auto& [name, attribute] : object.attributes) {
      check_name(path, "attribute", name);
      if (is_layout_attribute(name)) {
        fail(path, fmt::format("has an attribute '{}', a name that the format uses itself", name));
      }
      if (const auto* number = std::get_if<std::int64_t>(&attribute)) {
        write_number(group, name, *number);
      } else {
        write_string(group, path, name, std::get<std::string>(attribute));
      }
    }
    for (const auto& [name, tensor] : object.values) {
      check_name(path, "value", name);
      write_tensor(group, path, name, tensor);
    }
    for (const auto& [name, member] : object.members) {
      check_name(path, "member", name);
      if (object.values.contains(name)) {
        fail(path, fmt::format("has a value and a member named '{}'", name));
      }
      const Id properties = untimed(H5P_GROUP_CREATE);
      checked(H5Pset_est_link_info(properties, 1, 1), "keep a header small");
      const Id inner(checked(H5Gcreate2(group, name.c_str(), H5P_DEFAULT, properties, H5P_DEFAULT),
                             "create a group"),
                     H5Gclose);
      write_object(inner, member, path + "/" + name, depth + 1);
    }
  }

  static Id untimed(hid_t property_class) {
    Id properties(checked(H5Pcreate(property_class), "create properties"), H5Pclose);
    checked(H5Pset_obj_track_times(properties, false), "leave out times");
    return properties;
  }

 private:
  [[noreturn]] static void fail(const std::string& path, const std::string& what) {
    throw Error(ErrorCode::invalid_argument,
                fmt::format("object '{}' cannot be saved: it {}", path.empty() ? "/" : path, what));
  }

  void check_name(const std::string& path, const char* what, const std::string& name) {
    const std::string fault = fault_of_name(name);
    if (!fault.empty())
      fail(path, fmt::format("has a name of a {} ('{}') that {}", what, name, fault));
    if (++entries_ > max_entries)
      fail(path, fmt::format("is one of more than {} entries", max_entries));
  }

  // Absent where there are none: HDF5 has no empty fixed strings.
  void write_names(hid_t group, const std::string& path, std::string_view name,
                   const std::string& names) {
    if (!names.empty()) write_string(group, path, name, names);
  }

  void write_string(hid_t object, const std::string& path, std::string_view name,
                    const std::string& text) {
    if (text.size() > max_attribute_bytes) {
      fail(path, fmt::format("has {} bytes in its attribute '{}', more than {}", text.size(), name,
                             max_attribute_bytes));
    }
    if (text.find('\0') != std::string::npos) {
      fail(path, fmt::format("has a zero byte in its attribute '{}'", name));
    }
    const Id type(checked(H5Tcopy(H5T_C_S1), "copy a string type"), H5Tclose);
    checked(H5Tset_size(type, std::max<std::size_t>(text.size(), 1)), "set a string's size");
    checked(H5Tset_strpad(type, H5T_STR_NULLPAD), "set a string's padding");
    checked(H5Tset_cset(type, H5T_CSET_UTF8), "set a string's encoding");
    write_attribute(object, name, type, text.c_str());
  }

  static void write_number(hid_t object, std::string_view name, std::int64_t number) {
    write_attribute(object, name, H5T_STD_I64LE, &number);
  }

  static void write_attribute(hid_t object, std::string_view name, hid_t type, const void* data) {
    const Id space(checked(H5Screate(H5S_SCALAR), "create a dataspace"), H5Sclose);
    const Id attribute(checked(H5Acreate2(object, std::string(name).c_str(), type, space,
                                          H5P_DEFAULT, H5P_DEFAULT),
                               "create an attribute"),
                       H5Aclose);
    checked(H5Awrite(attribute, type, data), "write an attribute");
  }

  void write_tensor(hid_t group, const std::string& path, const std::string& name,
                    const Tensor& tensor) {
    const Shape& shape = tensor.shape();
    if (shape.size() > max_rank) {
      fail(path, fmt::format("has a value '{}' of {} dimensions, more than {}", name, shape.size(),
                             max_rank));
    }
    const std::vector<hsize_t> dimensions(shape.begin(), shape.end());
    const Id space(checked(shape.empty() ? H5Screate(H5S_SCALAR)
                                         : H5Screate_simple(static_cast<int>(shape.size()),
                                                            dimensions.data(), nullptr),
                           "create a dataspace"),
                   H5Sclose);
    const Id type = file_type(tensor.dtype());
    const Id properties = untimed(H5P_DATASET_CREATE);
    checked(H5Pset_layout(properties, H5D_CONTIGUOUS), "ask for a contiguous layout");
    checked(H5Pset_fill_time(properties, H5D_FILL_TIME_NEVER), "leave out fill values");
    // Values have no attributes: no room is kept for any.
    checked(H5Pset_dset_no_attrs_hint(properties, true), "keep a header small");
    const Id dataset(
        checked(H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                "create a dataset"),
        H5Dclose);
    if (tensor.size() > 0) {
      const RecordingDriver::Writing writing = driver_.writing(tensor);
      checked(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, tensor.bytes().data()),
              "write a dataset");
    }
  }

  RecordingDriver& driver_;
  std::size_t entries_ = 0;
};

}  // namespace

FileImage build_image(const SavedObject& root) {
  FileImage image;
  const Hdf5Session session(Hdf5Use::writing);
  RecordingDriver driver(image);
  const Id access(checked(H5Pcreate(H5P_FILE_ACCESS), "create properties"), H5Pclose);
  driver.use_in(access);
  checked(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110), "set version bounds");
  // No blocks put aside for later metadata: what is not used would be holes.
  checked(H5Pset_meta_block_size(access, 0), "set the block size of metadata");
  checked(H5Pset_small_data_block_size(access, 0), "set the block size of small data");
  // Large values lie so that a reader can use them in place.
  checked(H5Pset_alignment(access, aligned_bytes, alignment), "align large values");
  checked(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "set the close degree");
  const Id creation = Writer::untimed(H5P_FILE_CREATE);
  checked(H5Pset_userblock(creation, header_bytes), "make room for the header");
  Id file(checked(H5Fcreate("/a file image", H5F_ACC_TRUNC, creation, access), "create a file"),
          H5Fclose);
  {
    const Id group(checked(H5Gopen2(file, "/", H5P_DEFAULT), "open the root group"), H5Gclose);
    Writer(driver).write_object(group, root, "", 0);
  }
  checked(H5Fflush(file, H5F_SCOPE_GLOBAL), "flush a file image");
  checked(file.close(), "close a file image");
  return image;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
