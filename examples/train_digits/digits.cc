#include "train_digits/digits.h"

#include <hdf5.h>

#include <algorithm>
#include <stdexcept>

namespace train_digits {
namespace {

// An HDF5 identifier that closes itself.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t), const std::string& what) : id_(id), close_(close) {
    if (id_ < 0) throw std::runtime_error("cannot open " + what);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { close_(id_); }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

// The uint8 dataset `name`, whose shape must be [count, ...], `item_size` numbers an item.
std::vector<std::uint8_t> read_bytes(const Handle& file, const std::string& path,
                                     const std::string& name, std::size_t item_size) {
  const std::string what = "'" + name + "' of " + path;
  const Handle dataset(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Dclose, what);
  const Handle space(H5Dget_space(dataset.get()), H5Sclose, what);
  const Handle type(H5Dget_type(dataset.get()), H5Tclose, what);
  const hssize_t count = H5Sget_simple_extent_npoints(space.get());
  if (count <= 0 || count > 10'000'000 || static_cast<std::size_t>(count) % item_size != 0 ||
      H5Tequal(type.get(), H5T_STD_U8LE) <= 0) {
    throw std::runtime_error(what + " is not what examples/data/make_digits.py writes");
  }
  std::vector<std::uint8_t> values(static_cast<std::size_t>(count));
  if (H5Dread(dataset.get(), H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    throw std::runtime_error("cannot read " + what);
  }
  return values;
}

}  // namespace

Digits Digits::read(const std::string& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // exceptions tell what HDF5 would print
  const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose, path);
  const std::vector<std::uint8_t> pixels = read_bytes(file, path, "images", pixel_count);
  const std::vector<std::uint8_t> labels = read_bytes(file, path, "labels", 1);
  if (pixels.size() != labels.size() * pixel_count ||
      *std::max_element(labels.begin(), labels.end()) >= class_count) {
    throw std::runtime_error(path + ": images and labels do not belong together");
  }

  Digits digits;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Images& part = i % 5 == 4 ? digits.test : digits.train;
    part.labels.push_back(labels[i]);
    for (std::size_t j = 0; j < pixel_count; ++j) {
      part.pixels.push_back(static_cast<float>(pixels[i * pixel_count + j]) / 16.0F);
    }
  }
  return digits;
}

}  // namespace train_digits
