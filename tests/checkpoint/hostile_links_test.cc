// Files that point elsewhere: to other files, plugins, filters and devices. Refused, with the
// target never opened; that naive readers do open it stands in a control beside the test.
#include <sys/inotify.h>
#include <sys/stat.h>

#include <cstring>

#include "checkpoint/hostile_files.h"
#include "counterpoint/checkpoint/internal/untrusted_metadata.h"

namespace checkpoint_tests {
namespace {

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

TEST_F(Hostile, PluginsAreOffWhileReadingAloneAndBackAfterwards) {
  unsigned writing = 0;
  unsigned during = 1;
  unsigned after = 0;
  {
    const internal::Hdf5Session session(internal::Hdf5Use::writing);
    ASSERT_GE(H5PLget_loading_state(&writing), 0);
  }
  EXPECT_NE(writing, 0u) << "a save in the background leaves other threads their plugins";
  {
    const internal::Hdf5Session session(internal::Hdf5Use::reading);
    ASSERT_GE(H5PLget_loading_state(&during), 0);
  }
  ASSERT_GE(H5PLget_loading_state(&after), 0);
  EXPECT_EQ(during, 0u);
  EXPECT_NE(after, 0u);
}

TEST_F(Hostile, PathsThatAreNoRegularFilesAreNotRead) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);  // an open without O_NONBLOCK would wait for a writer
  expect_refused("a FIFO", cp::ErrorCode::failed_precondition);
  cp::Tensor x;
  cp::Checkpoint checkpoint(one_rank(), {{"x", x}});
  const cp::Error error = error_of([&] { checkpoint.restore("/dev/zero"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find("a device"), std::string::npos) << error.what();
}

TEST_F(Hostile, CommittedTypesAreRefused) {
  const auto committed = [](hid_t group, hid_t of) {
    const Id root(H5Iget_file_id(group), H5Fclose);
    Id type(H5Tcopy(of), H5Tclose);
    H5Tcommit2(root, "type", type, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    return type;
  };
  write([&](hid_t group) {
    fill_dataset(dataset(group, committed(group, H5T_IEEE_F32LE), {2}), {1, 2});
  });
  expect_refused("committed type");
  for (const bool is_text : {true, false}) {
    write([&](hid_t group) {
      fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}), {1, 2});
      put_text(group, "attributes", "own");
      const Id of(H5Tcopy(is_text ? H5T_C_S1 : H5T_STD_I64LE), H5Tclose);
      H5Tset_size(of, 8);
      const Id space(H5Screate(H5S_SCALAR), H5Sclose);
      const Id attribute(
          H5Acreate2(group, "own", committed(group, of), space, H5P_DEFAULT, H5P_DEFAULT),
          H5Aclose);
      H5Awrite(attribute, of, "my text");
    });
    expect_refused("committed type");
  }
}

// Files that end a process which hands them to libhdf5: it follows a tree node into itself and a type
// that says to be found where it is, allocates for a list without an end, and copies from a cache's image
// and from addresses without looking at their lengths.
TEST_F(Hostile, WhatLibhdf5FollowsWithoutLookingIsRefused) {
  const std::pair<const char*, const char*> files[] = {
      {"tree_node_in_itself", "a tree of links that may lead to itself"},
      {"type_in_its_own_dataset", "a committed type"},
      {"type_in_its_own_attribute", "a committed type"},
      {"cache_image", "an image of a cache"},
      {"heap_without_end", "a heap of names"},
      {"heap_of_all_memory", "a heap of names"},
      {"address_beyond_all", ""},
  };
  for (const auto& [name, words] : files) {
    SCOPED_TRACE(name);
    std::filesystem::copy_file(
        std::string(COUNTERPOINT_SOURCE_DIR "/tests/checkpoint/hostile/") + name + ".h5", path,
        std::filesystem::copy_options::overwrite_existing);
    std::int64_t step = 3;
    cp::Checkpoint checkpoint(one_rank(), {{"step", step}});
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_EQ(error.code(), cp::ErrorCode::data_loss) << error.what();
    EXPECT_NE(error.message().find(words), std::string::npos) << error.what();
    EXPECT_EQ(step, 3);
  }
}

// A header of which each message says that it goes on in all of the file.
TEST(UntrustedMetadata, HeadersThatGoOnInThemselvesAreRefusedAtOnce) {
  std::vector<std::byte> metadata(std::size_t{1} << 20);
  const auto put = [&](std::size_t offset, auto number) {
    std::memcpy(metadata.data() + offset, &number, sizeof(number));
  };
  constexpr std::size_t prefix = 16;
  constexpr std::size_t message = 24;
  put(0, std::uint8_t{1});
  put(8, static_cast<std::uint32_t>(metadata.size() - prefix));
  for (std::size_t at = prefix; at + message <= metadata.size(); at += message) {
    put(at, std::uint16_t{0x10});
    put(at + 2, std::uint16_t{16});
    put(at + 8, std::uint64_t{prefix});
    put(at + 16, std::uint64_t{metadata.size() - prefix});
  }
  EXPECT_FALSE(internal::is_finite_object_header(metadata, 0));
}

}  // namespace
}  // namespace checkpoint_tests
