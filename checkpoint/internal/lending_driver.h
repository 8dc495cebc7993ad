// A driver for libhdf5 that has no file: it lends it bytes that anyone may have made, and refuses to read
// what libhdf5 would follow without end or beyond the end (untrusted_metadata.h).
//
//   LendingDriver driver(bytes);
//   driver.use_in(access);                        // file access properties
//   ...H5Fopen(name, H5F_ACC_RDONLY, access)...
//
// Nothing is copied. What it refuses, libhdf5 cannot read. Limits: offsets and lengths of 8 bytes, and
// a superblock behind the header block.
// Thread-safety: within one Hdf5Session. Source: the HDF5 File Format Specification, version 3.0.
#pragma once

#include <cstddef>
#include <span>

#include "counterpoint/checkpoint/internal/hdf5.h"

namespace counterpoint::inline v1::checkpoint_internal {

class LendingDriver {
 public:
  explicit LendingDriver(std::span<const std::byte> bytes);
  LendingDriver(const LendingDriver&) = delete;
  LendingDriver& operator=(const LendingDriver&) = delete;

  // Files opened with these properties read from the bytes; they close before the driver goes.
  void use_in(hid_t access);
  // What the bytes have that was refused last, "a heap whose..."; null where nothing was.
  const char* refusal() const { return refusal_; }
  // Whether there was no memory to look at something, which libhdf5 then could not read.
  bool lacks_memory() const { return lacks_memory_; }

 private:
  struct File;

  std::span<const std::byte> bytes_;
  const char* refusal_ = nullptr;
  bool lacks_memory_ = false;
  Id driver_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
