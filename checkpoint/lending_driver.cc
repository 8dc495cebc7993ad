#include "counterpoint/checkpoint/internal/lending_driver.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/hdf5_driver.h"
#include "counterpoint/checkpoint/internal/untrusted_metadata.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

// Of what libhdf5 reads at `offset` as `kind`; null if there is none.
const char* fault_of(std::span<const std::byte> bytes, H5FD_mem_t kind, haddr_t offset) {
  if (offset < header_bytes) return nullptr;
  const auto metadata = bytes.subspan(header_bytes);
  const std::uint64_t address = offset - header_bytes;
  if (kind == H5FD_MEM_BTREE && !is_finite_tree_node(metadata, address)) {
    return "a tree of links that may lead to itself";
  }
  if (kind == H5FD_MEM_LHEAP && !is_finite_heap(metadata, address)) {
    return "a heap of names whose free list has no end";
  }
  if (kind == H5FD_MEM_OHDR && !is_finite_object_header(metadata, address)) {
    return "an object with a committed type or another shared message, an image of a cache, "
           "or more than the file can hold";
  }
  return nullptr;
}

}  // namespace

// What libhdf5 holds of an open file; `base` comes first, as it takes the one for the other.
struct LendingDriver::File {
  H5FD_t base{};
  LendingDriver* driver = nullptr;
  haddr_t allocated_end = 0;

  static File& of(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  static H5FD_t* open(const char*, unsigned flags, hid_t access, haddr_t) {
    if ((flags & H5F_ACC_RDWR) != 0) return nullptr;
    auto* const driver = *static_cast<LendingDriver* const*>(H5Pget_driver_info(access));
    if (driver->bytes_.size() < header_bytes ||
        !has_offsets_of_8_bytes(driver->bytes_.subspan(header_bytes))) {
      return nullptr;
    }
    auto* const file = new (std::nothrow) File;
    if (file == nullptr) return nullptr;
    file->driver = driver;
    return &file->base;
  }

  static herr_t close(H5FD_t* file) {
    delete &of(file);
    return 0;
  }

  // Beyond the end there are zeros, as behind the end of what libhdf5 allocated.
  static herr_t read(H5FD_t* file, H5FD_mem_t kind, hid_t, haddr_t offset, size_t size, void* to) {
    LendingDriver& driver = *of(file).driver;
    const std::span<const std::byte> bytes = driver.bytes_;
    try {
      if (const char* const fault = fault_of(bytes, kind, offset); fault != nullptr) {
        driver.refusal_ = fault;
        return -1;
      }
    } catch (const std::bad_alloc&) {  // nothing may be thrown through libhdf5
      driver.lacks_memory_ = true;
      return -1;
    }
    const std::size_t there =
        offset >= bytes.size() ? 0 : std::min<std::size_t>(size, bytes.size() - offset);
    if (there > 0) std::memcpy(to, bytes.data() + offset, there);
    std::memset(static_cast<std::byte*>(to) + there, 0, size - there);
    return 0;
  }
};

LendingDriver::LendingDriver(std::span<const std::byte> bytes) : bytes_(bytes) {
  static const H5FD_class_t description = [] {
    H5FD_class_t driver = describe_driver<LendingDriver, File>("counterpoint_lending", 601);
    // Without an accumulator of metadata, which would read what nobody has looked at.
    driver.query = [](const H5FD_t*, unsigned long* flags) -> herr_t {
      *flags = 0;
      return 0;
    };
    driver.get_eof = [](const H5FD_t* file, H5FD_mem_t) -> haddr_t {
      return File::of(file).driver->bytes_.size();
    };
    driver.write = [](H5FD_t*, H5FD_mem_t, hid_t, haddr_t, size_t, const void*) -> herr_t {
      return -1;
    };
    return driver;
  }();
  driver_ = Id(checked(H5FDregister(&description), "register a driver"), H5FDunregister);
}

void LendingDriver::use_in(hid_t access) {
  LendingDriver* const self = this;
  checked(H5Pset_driver(access, driver_, &self), "choose the lending driver");
}

}  // namespace counterpoint::inline v1::checkpoint_internal
