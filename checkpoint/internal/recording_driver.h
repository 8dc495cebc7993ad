// A driver for libhdf5 that has no file: what is written becomes a FileImage, in which tensors are
// referred to and not copied.
//
//   RecordingDriver driver(image);
//   driver.use_in(access);                        // file access properties
//   ...H5Fcreate(name, H5F_ACC_TRUNC, creation, access)...
//   { const auto tensor = driver.writing(weights); H5Dwrite(..., weights.bytes().data()); }
//
// Thread-safety: within one Hdf5Session.
#pragma once

#include "counterpoint/checkpoint/internal/file_image.h"
#include "counterpoint/checkpoint/internal/hdf5.h"

namespace counterpoint::inline v1::checkpoint_internal {

class RecordingDriver {
 public:
  explicit RecordingDriver(FileImage& image);
  RecordingDriver(const RecordingDriver&) = delete;
  RecordingDriver& operator=(const RecordingDriver&) = delete;

  // Files made with these properties are recorded; they close before the driver goes.
  void use_in(hid_t access);

  // While it lives, a write of exactly this tensor's memory is recorded as a reference.
  class Writing {
   public:
    Writing(RecordingDriver& driver, const Tensor& tensor) : driver_(driver) {
      driver_.tensor_ = &tensor;
    }
    Writing(const Writing&) = delete;
    Writing& operator=(const Writing&) = delete;
    ~Writing() { driver_.tensor_ = nullptr; }

   private:
    RecordingDriver& driver_;
  };
  Writing writing(const Tensor& tensor) { return {*this, tensor}; }

 private:
  struct File;

  FileImage& image_;
  const Tensor* tensor_ = nullptr;
  Id driver_;
};

}  // namespace counterpoint::inline v1::checkpoint_internal
