// What our drivers for libhdf5 tell it alike: they have no file, and are found by a pointer to them in the
// file access properties.
//
//   static const H5FD_class_t description = [] {
//     H5FD_class_t driver = describe_driver<RecordingDriver, File>("counterpoint_recording", 600);
//     driver.write = &File::write;
//     return driver;
//   }();
//
// `File` has open, close, read, of() and allocated_end; `value` is from the range of unregistered drivers.
// Thread-safety: pure.
#pragma once

#include <hdf5.h>
#if __has_include(<H5FDdevelop.h>)  // HDF5 1.14 and later keep drivers there
#include <H5FDdevelop.h>
#endif

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace counterpoint::inline v1::checkpoint_internal {

template <class Driver, class File>
H5FD_class_t describe_driver(const char* name, [[maybe_unused]] int value) {
  H5FD_class_t driver{};
#ifdef H5FD_CLASS_VERSION
  driver.version = H5FD_CLASS_VERSION;
  driver.value = static_cast<H5FD_class_value_t>(value);
#endif
  driver.name = name;
  driver.maxaddr = static_cast<haddr_t>(INT64_MAX);
  driver.fc_degree = H5F_CLOSE_STRONG;
  driver.fapl_size = sizeof(Driver*);
  driver.open = &File::open;
  driver.close = &File::close;
  driver.read = &File::read;
  driver.get_eoa = [](const H5FD_t* file, H5FD_mem_t) { return File::of(file).allocated_end; };
  driver.set_eoa = [](H5FD_t* file, H5FD_mem_t, haddr_t end) -> herr_t {
    File::of(file).allocated_end = end;
    return 0;
  };
  const H5FD_mem_t separately[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
  std::copy(std::begin(separately), std::end(separately), std::begin(driver.fl_map));
  return driver;
}

}  // namespace counterpoint::inline v1::checkpoint_internal
