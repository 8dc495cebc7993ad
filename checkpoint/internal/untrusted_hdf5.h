// What a reader may ask of HDF5 data that anyone may have made: attributes, links and datasets of
// the plain kinds that the format has, each checked before it is used.
//
//   UntrustedHdf5 data(path, bytes);
//   LendingDriver driver(bytes);
//   const Id file = data.open(driver);
//   const Id group = data.open_group(file, "/noise", "noise");
//   Tensor state = data.tensor(group, "/noise/state", "state");   // may refer to the bytes
//
// Everything throws data_loss that names the object, resource_exhausted for want of memory.
// `object` is its path, for messages.
// Thread-safety: within one Hdf5Session; the bytes must outlive what was read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "counterpoint/checkpoint/internal/hdf5.h"
#include "counterpoint/checkpoint/internal/lending_driver.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/tensor.h"

namespace counterpoint::inline v1::checkpoint_internal {

class UntrustedHdf5 {
 public:
  UntrustedHdf5(std::string path, std::span<const std::byte> bytes)
      : path_(std::move(path)), bytes_(bytes) {}

  const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& object, const std::string& what) const;

  // libhdf5 reads from the bytes, and no file, by this driver for them.
  Id open(LendingDriver& driver);
  Id open_root(hid_t file) const;
  // The group that `parent` has under `name`, by a hard link.
  Id open_group(hid_t parent, const std::string& object, const std::string& name);

  std::string string(hid_t group, const std::string& object, std::string_view name);
  std::variant<std::int64_t, std::string> attribute(hid_t group, const std::string& object,
                                                    const std::string& name);
  // The names in one of the layout's attributes; none where it is absent.
  std::vector<std::string> names(hid_t group, const std::string& object,
                                 std::string_view attribute);
  Tensor tensor(hid_t group, const std::string& object, const std::string& name);

 private:
  // As checked(), for what a bad file can make fail.
  template <class Result>
  Result ours(Result result, const char* doing) const {
    if (result < 0) throw_lost(doing);
    return result;
  }
  [[noreturn]] void throw_lost(const char* doing) const;

  void count_entry(const std::string& object);
  void check_hard_link(hid_t group, const std::string& object, const std::string& name) const;
  void check_group(hid_t group, const std::string& object) const;
  Id open_attribute(hid_t group, const std::string& object, std::string_view name) const;
  std::string string_of(hid_t attribute, hid_t type, const std::string& object,
                        std::string_view name);
  void check_own_type(hid_t type, const std::string& object) const;
  DType dtype_of(hid_t dataset, const std::string& object) const;
  Shape shape_of(hid_t dataset, const std::string& object) const;
  std::span<const std::byte> storage_of(hid_t dataset, const std::string& object, DType dtype,
                                        const Shape& shape);

  std::string path_;
  std::span<const std::byte> bytes_;
  const LendingDriver* driver_ = nullptr;  // of the open file
  std::size_t entries_ = 0;      // of all reads, so that links to the same objects cannot multiply
  std::size_t value_bytes_ = 0;  // likewise
  std::size_t text_bytes_ = 0;   // likewise, of attributes
};

}  // namespace counterpoint::inline v1::checkpoint_internal
