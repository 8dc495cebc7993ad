// Files made to lead a reader astray, each with a right digest. The test says what is put into
// them.
#pragma once

#include <hdf5.h>
#include <unistd.h>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/hdf5.h"

namespace checkpoint_tests {

using internal::Id;

inline void put_number(hid_t object, const char* name, std::int64_t number) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id attribute(H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT),
                     H5Aclose);
  H5Awrite(attribute, H5T_STD_I64LE, &number);
}

inline void put_text(hid_t object, const char* name, const std::string& text) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, text.size());
  const Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  H5Awrite(attribute, type, text.data());
}

// A file with one object "x" of type "tensor" and the value "value", part of which each test makes
// its own way.
class Hostile : public testing::Test {
 protected:
  // `fill` gets the group of the object "x".
  void write(const std::function<void(hid_t)>& fill) {
    write_root([&](hid_t root) {
      const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      put_text(group, "type", "tensor");
      put_text(group, "values", "value");
      fill(group);
    });
  }

  void write_root(const std::function<void(hid_t)>& fill) {
    {
      const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
      H5Pset_userblock(creation, internal::header_bytes);
      const Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT), H5Fclose);
      const Id root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
      put_text(root, "type", "checkpoint");
      put_text(root, "members", "x");
      put_text(root, "attributes", "stream_version");
      put_number(root, "stream_version", 1);
      fill(root);
    }
    std::string bytes = read_file(path);
    internal::seal({reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
    write_file(path, bytes);
  }

  static Id dataset(hid_t group, hid_t type, std::vector<hsize_t> shape,
                    hid_t properties = H5P_DEFAULT, const char* name = "value") {
    const Id space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr),
                   H5Sclose);
    return {H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT), H5Dclose};
  }

  static void fill_dataset(hid_t set, const std::vector<float>& values) {
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
  }

  void expect_refused(const std::string& words, cp::ErrorCode code = cp::ErrorCode::data_loss) {
    cp::Tensor x = cp::Tensor::from<float>({1, 2, 3}, {3});
    cp::Checkpoint checkpoint(one_rank(), {{"x", x}});
    testing::internal::CaptureStderr();
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_NE(error.message().find(words), std::string::npos) << error.what();
    EXPECT_EQ(x.values<float>()[2], 3);
    EXPECT_EQ(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), 0)
        << "ids are left open";
  }

  const TemporaryFolder folder;
  const std::string path = folder / "hostile.h5";
  const std::string secret = folder / "secret";
};

}  // namespace checkpoint_tests
