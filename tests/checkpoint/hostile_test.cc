// Files made to lead a reader astray, each with a right digest: refused, with nothing opened,
// allocated or changed. What naive readers fall for stands in a control beside the test.
#include <fcntl.h>
#include <hdf5.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/internal/file_format.h"
#include "counterpoint/checkpoint/internal/hdf5.h"

namespace checkpoint_tests {
namespace {

using internal::Id;

void put_number(hid_t object, const char* name, std::int64_t number) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id attribute(H5Acreate2(object, name, H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT),
                     H5Aclose);
  H5Awrite(attribute, H5T_STD_I64LE, &number);
}

void put_text(hid_t object, const char* name, const std::string& text) {
  const Id space(H5Screate(H5S_SCALAR), H5Sclose);
  const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, text.size());
  const Id attribute(H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  H5Awrite(attribute, type, text.data());
}

// Counts how often a file is opened from now on.
class OpenWatch {
 public:
  explicit OpenWatch(const std::string& path) : fd_(inotify_init1(IN_NONBLOCK)) {
    inotify_add_watch(fd_, path.c_str(), IN_OPEN);
  }
  ~OpenWatch() { ::close(fd_); }
  bool opened() {
    alignas(inotify_event) char events[4096];
    return ::read(fd_, events, sizeof(events)) > 0;
  }

 private:
  int fd_;
};

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

TEST_F(Hostile, ThisFixtureWritesFilesThatRestore) {
  write([](hid_t group) { fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}), {4, 5}); });
  cp::Tensor x(cp::DType::f32, {3});
  cp::Checkpoint(one_rank(), {{"x", x}}).restore(path);
  EXPECT_EQ(x.values<float>()[1], 5);
}

TEST_F(Hostile, ExternalStorageIsNotOpened) {
  write_file(secret, "12345678");
  write([&](hid_t group) {
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_external(properties, secret.c_str(), 0, 8);
    dataset(group, H5T_IEEE_F32LE, {2}, properties);
  });
  OpenWatch watch(secret);
  expect_refused("other files");
  EXPECT_FALSE(watch.opened());

  float stolen[2] = {};
  const Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
  const Id naive(H5Dopen2(file, "/x/value", H5P_DEFAULT), H5Dclose);
  EXPECT_GE(H5Dread(naive, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, stolen), 0);
  EXPECT_TRUE(watch.opened()) << "the control: a naive reader does open it";
}

TEST_F(Hostile, ExternalLinksAreNotFollowed) {
  {
    const Id other(H5Fcreate(secret.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    fill_dataset(dataset(other, H5T_IEEE_F32LE, {2}), {6, 7});
  }
  write([&](hid_t group) {
    H5Lcreate_external(secret.c_str(), "/value", group, "value", H5P_DEFAULT, H5P_DEFAULT);
  });
  {
    OpenWatch watch(secret);
    expect_refused("link");
    EXPECT_FALSE(watch.opened());
    const Id file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose);
    const Id naive(H5Dopen2(file, "/x/value", H5P_DEFAULT), H5Dclose);
    EXPECT_TRUE(watch.opened()) << "the control: a naive reader does open it";
  }
  write_root([&](hid_t root) {
    H5Lcreate_external(secret.c_str(), "/", root, "x", H5P_DEFAULT, H5P_DEFAULT);
  });
  OpenWatch watch(secret);
  expect_refused("link");
  EXPECT_FALSE(watch.opened());
}

TEST_F(Hostile, SoftLinksAreNotFollowed) {
  write([](hid_t group) {
    fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}, H5P_DEFAULT, "real"), {4, 5});
    H5Lcreate_soft("real", group, "value", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("link");
}

TEST_F(Hostile, VirtualDatasetsAreNotOpened) {
  {
    const Id other(H5Fcreate(secret.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
    fill_dataset(dataset(other, H5T_IEEE_F32LE, {2}), {6, 7});
  }
  write([&](hid_t group) {
    const hsize_t length = 2;
    const Id space(H5Screate_simple(1, &length, nullptr), H5Sclose);
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_virtual(properties, space, secret.c_str(), "/value", space);
    dataset(group, H5T_IEEE_F32LE, {2}, properties);
  });
  OpenWatch watch(secret);
  expect_refused("contiguous");
  EXPECT_FALSE(watch.opened());
}

TEST_F(Hostile, OtherElementTypesAreNotConverted) {
  write([](hid_t group) { dataset(group, H5T_STD_I32BE, {2}); });
  expect_refused("element type");
  write([](hid_t group) { fill_dataset(dataset(group, H5T_IEEE_F64LE, {2}), {4, 5}); });
  expect_refused("holds f64", cp::ErrorCode::invalid_argument);
  write([](hid_t group) { dataset(group, H5T_STD_REF_OBJ, {2}); });
  expect_refused("element type");
  write([](hid_t group) {
    const Id text(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(text, H5T_VARIABLE);
    dataset(group, text, {2});
  });
  expect_refused("element type");

  // 1e300 in place of an integer.
  write([](hid_t group) { fill_dataset(dataset(group, H5T_IEEE_F64LE, {1}), {1e30f}); });
  std::int64_t number = 5;
  EXPECT_EQ(error_of([&] {
              cp::Checkpoint(one_rank(), {{"x", number}}).restore(path);
            }).code(),
            cp::ErrorCode::invalid_argument);
  EXPECT_EQ(number, 5);
}

// Peak memory of this process, in bytes.
std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

TEST_F(Hostile, ClaimedSizesAllocateNothing) {
  constexpr std::int64_t mebibyte = 1 << 20;
  for (const std::vector<hsize_t>& shape :
       {std::vector<hsize_t>{hsize_t{1} << 40}, {hsize_t{1} << 60}, {1 << 30, 1 << 30}}) {
    write([&](hid_t group) { dataset(group, H5T_IEEE_F32LE, shape); });
    ASSERT_LT(std::filesystem::file_size(path), 8192u);
    const std::int64_t before = peak_memory();
    expect_refused("more than a file of");
    EXPECT_LT(peak_memory() - before, 64 * mebibyte);
  }
  // Small enough for the file, but nothing was ever stored.
  write([&](hid_t group) { dataset(group, H5T_IEEE_F32LE, {8}); });
  expect_refused("is not stored whole");
}

TEST_F(Hostile, CompressedDataIsNotInflated) {
  write([](hid_t group) {
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    const hsize_t chunk = 16 << 20;
    H5Pset_chunk(properties, 1, &chunk);
    H5Pset_deflate(properties, 9);
    const Id set = dataset(group, H5T_IEEE_F32LE, {chunk}, properties);
    fill_dataset(set, std::vector<float>(chunk, 0));
  });
  ASSERT_LT(std::filesystem::file_size(path), 100'000u);
  const std::int64_t before = peak_memory();
  expect_refused("contiguous");
  EXPECT_LT(peak_memory() - before, 16 << 20);
}

// Links of a large group lie in a heap that can have filters of its own.
TEST_F(Hostile, GroupsWithFiltersAreNotLookedInto) {
  {
    const Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
    H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
    const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_userblock(creation, internal::header_bytes);
    const Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
    put_text(file, "type", "checkpoint");
    put_text(file, "members", "x");
    put_text(file, "attributes", "stream_version");
    put_number(file, "stream_version", 1);
    const Id properties(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
    ASSERT_GE(H5Pset_deflate(properties, 9), 0);
    H5Pset_link_phase_change(properties, 0, 0);
    const Id group(H5Gcreate2(file, "x", H5P_DEFAULT, properties, H5P_DEFAULT), H5Gclose);
    put_text(group, "type", "tensor");
    put_text(group, "values", "value");
    fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}), {4, 5});
  }
  std::string bytes = read_file(path);
  internal::seal({reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
  write_file(path, bytes);
  expect_refused("filters");
}

TEST_F(Hostile, PluginsAreOffWhileReadingAndBackAfterwards) {
  unsigned during = 1;
  unsigned after = 0;
  {
    const internal::Hdf5Session session;
    ASSERT_GE(H5PLget_loading_state(&during), 0);
  }
  ASSERT_GE(H5PLget_loading_state(&after), 0);
  EXPECT_EQ(during, 0u);
  EXPECT_NE(after, 0u);
}

TEST_F(Hostile, GroupsThatHoldThemselvesEnd) {
  write_root([](hid_t root) {
    const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(group, "type", "object");
    put_text(group, "members", "x");
    H5Lcreate_hard(group, ".", group, "x", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("nested deeper");
}

// Two names a level for the level below: 2^15 ways to one value.
TEST_F(Hostile, LinksToTheSameObjectsDoNotMultiply) {
  write_root([](hid_t root) {
    Id below(H5Gcreate2(root, "deepest", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(below, "type", "object");
    put_text(below, "values", "value");
    fill_dataset(dataset(below, H5T_IEEE_F32LE, {1000}), std::vector<float>(1000));
    for (int level = 0; level < 15; ++level) {
      const std::string name = level == 14 ? "x" : "level" + std::to_string(level);
      Id group(H5Gcreate2(root, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      put_text(group, "type", "object");
      put_text(group, "members", "a/b");
      H5Lcreate_hard(below, ".", group, "a", H5P_DEFAULT, H5P_DEFAULT);
      H5Lcreate_hard(below, ".", group, "b", H5P_DEFAULT, H5P_DEFAULT);
      below = std::move(group);
    }
  });
  const std::int64_t before = peak_memory();
  expect_refused("shares its storage");
  EXPECT_LT(peak_memory() - before, 16 << 20);
}

TEST_F(Hostile, ObjectsOfAnotherKindAreRefused) {
  write_root([](hid_t root) {
    fill_dataset(dataset(root, H5T_IEEE_F32LE, {2}, H5P_DEFAULT, "x"), {1, 2});
  });
  expect_refused("is no group");
  write([](hid_t group) {
    H5Gclose(H5Gcreate2(group, "value", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  });
  expect_refused("is no dataset");
  write_root([](hid_t root) {
    const Id type(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
    H5Tcommit2(root, "x", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("is no group");
  write([](hid_t group) {
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_layout(properties, H5D_COMPACT);
    fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}, properties), {1, 2});
  });
  expect_refused("contiguous");
  write([](hid_t group) {
    const Id space(H5Screate(H5S_NULL), H5Sclose);
    const Id set(
        H5Dcreate2(group, "value", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose);
  });
  expect_refused("no simple shape");
  write([](hid_t) {});
  expect_refused("look up");
}

TEST_F(Hostile, AttributesAreTakenAsTheyMustBe) {
  const auto with_attribute = [&](const std::function<void(hid_t)>& put) {
    write_root([&](hid_t root) {
      const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      put(group);
    });
  };
  with_attribute([](hid_t) {});
  expect_refused("no attribute 'type'");
  with_attribute([](hid_t group) {
    const Id text(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(text, H5T_VARIABLE);
    const Id space(H5Screate(H5S_SCALAR), H5Sclose);
    const Id attribute(H5Acreate2(group, "type", text, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    const char* value = "tensor";
    H5Awrite(attribute, text, &value);
  });
  expect_refused("neither a fixed-length string");
  with_attribute([](hid_t group) {
    const hsize_t two = 2;
    const Id space(H5Screate_simple(1, &two, nullptr), H5Sclose);
    const Id attribute(H5Acreate2(group, "type", H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT),
                       H5Aclose);
  });
  expect_refused("no scalar");
  for (const char* names : {"..", "a//b", "a/a", "a\nb"}) {
    with_attribute([&](hid_t group) {
      put_text(group, "type", "tensor");
      put_text(group, "values", names);
    });
    expect_refused("lists");
  }
  with_attribute([](hid_t group) {
    put_text(group, "type", "tensor");
    put_text(group, "attributes", "type");
  });
  expect_refused("lists 'type'");
  write_root([](hid_t root) { H5Adelete(root, "stream_version"); });
  expect_refused("no attribute 'stream_version'");
}

TEST_F(Hostile, PathsThatAreNoRegularFilesAreNotRead) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // an open without O_NONBLOCK would wait for a writer
  expect_refused("regular file");
  cp::Tensor x;
  cp::Checkpoint checkpoint(one_rank(), {{"x", x}});
  EXPECT_EQ(error_of([&] { checkpoint.restore("/dev/zero"); }).code(), cp::ErrorCode::data_loss);
}

TEST_F(Hostile, LargeFilesAreRefusedUnread) {
  write([](hid_t group) { fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}), {4, 5}); });
  std::filesystem::resize_file(path, std::uintmax_t{1} << 34);
  const std::int64_t before = peak_memory();
  cp::Tensor x;
  cp::Checkpoint checkpoint(one_rank(), {{"x", x}});
  const cp::Error error = error_of([&] { checkpoint.restore(path, {.max_file_bytes = 1 << 20}); });
  EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted);
  EXPECT_LT(peak_memory() - before, 16 << 20);
}

}  // namespace
}  // namespace checkpoint_tests
