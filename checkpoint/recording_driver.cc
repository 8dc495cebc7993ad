#include "counterpoint/checkpoint/internal/recording_driver.h"

#include <algorithm>
#include <new>

#include "counterpoint/checkpoint/internal/hdf5_driver.h"

namespace counterpoint::inline v1::checkpoint_internal {

// What libhdf5 holds of an open file; `base` comes first, as it takes the one for the other.
struct RecordingDriver::File {
  H5FD_t base{};
  RecordingDriver* driver = nullptr;
  haddr_t allocated_end = 0;
  haddr_t written_end = 0;

  static File& of(H5FD_t* file) { return *reinterpret_cast<File*>(file); }
  static const File& of(const H5FD_t* file) { return *reinterpret_cast<const File*>(file); }

  static H5FD_t* open(const char*, unsigned flags, hid_t access, haddr_t) {
    // There is no file to be found, only one to be made.
    if ((flags & H5F_ACC_CREAT) == 0) return nullptr;
    auto* const file = new (std::nothrow) File;
    if (file == nullptr) return nullptr;
    file->driver = *static_cast<RecordingDriver* const*>(H5Pget_driver_info(access));
    return &file->base;
  }

  static herr_t close(H5FD_t* file) {
    of(file).driver->image_.set_size(of(file).allocated_end);
    delete &of(file);
    return 0;
  }

  static herr_t read(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size, void* bytes) {
    of(file).driver->image_.read(offset, {static_cast<std::byte*>(bytes), size});
    return 0;
  }

  static herr_t write(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t offset, size_t size,
                      const void* bytes) {
    File& self = of(file);
    const std::span<const std::byte> written(static_cast<const std::byte*>(bytes), size);
    const Tensor* const tensor = self.driver->tensor_;
    try {
      if (tensor != nullptr && tensor->bytes().data() == written.data() &&
          tensor->bytes().size() == size) {
        self.driver->image_.refer(offset, *tensor);
      } else {
        self.driver->image_.put(offset, written);
      }
    } catch (const std::bad_alloc&) {
      return -1;
    }
    self.written_end = std::max<haddr_t>(self.written_end, offset + size);
    return 0;
  }
};

RecordingDriver::RecordingDriver(FileImage& image) : image_(image) {
  static const H5FD_class_t description = [] {
    H5FD_class_t driver = describe_driver<RecordingDriver, File>("counterpoint_recording", 600);
    driver.query = [](const H5FD_t*, unsigned long* flags) -> herr_t {
      *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA |
               H5FD_FEAT_AGGREGATE_SMALLDATA;
      return 0;
    };
    driver.get_eof = [](const H5FD_t* file, H5FD_mem_t) { return File::of(file).written_end; };
    driver.write = &File::write;
    return driver;
  }();
  driver_ = Id(checked(H5FDregister(&description), "register a driver"), H5FDunregister);
}

void RecordingDriver::use_in(hid_t access) {
  RecordingDriver* const self = this;
  checked(H5Pset_driver(access, driver_, &self), "choose the recording driver");
}

}  // namespace counterpoint::inline v1::checkpoint_internal
