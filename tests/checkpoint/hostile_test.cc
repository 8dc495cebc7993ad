// Files that claim what is not so: sizes, types, shapes, objects within themselves. Refused, with
// nothing allocated or changed.
#include <sys/resource.h>

#include <cstring>

#include "checkpoint/hostile_files.h"

namespace checkpoint_tests {
namespace {

// Peak memory of this process, in bytes.
std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * std::int64_t{1024};
}

// Links of a large group lie in a heap that can have filters of its own.
// Two names a level for the level below: 2^15 ways to one value.
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

// An address so large that, counted from behind the header block, it is in that block: it is not
// data.
TEST_F(Hostile, ValuesInTheHeaderBlockAreOutsideOfTheData) {
  std::uint64_t address = 0;
  write([&](hid_t group) {
    const Id set = dataset(group, H5T_IEEE_F32LE, {2});
    fill_dataset(set, {4, 5});
    address = H5Dget_offset(set) - internal::header_bytes;
  });
  std::string bytes = read_file(path);
  const std::uint64_t layout[] = {address,
                                  2 * sizeof(float)};  // as a contiguous one lies in a file
  const std::size_t at = bytes.find({reinterpret_cast<const char*>(layout), sizeof(layout)});
  ASSERT_NE(at, std::string::npos);
  address = std::uint64_t{0} - 200;
  std::memcpy(bytes.data() + at, &address, sizeof(address));
  internal::seal({reinterpret_cast<std::byte*>(bytes.data()), bytes.size()});
  write_file(path, bytes);
  expect_refused("lies outside of the file: 8 bytes at 312");
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

TEST_F(Hostile, GroupsThatHoldThemselvesEnd) {
  write_root([](hid_t root) {
    const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(group, "type", "object");
    put_text(group, "members", "x");
    H5Lcreate_hard(group, ".", group, "x", H5P_DEFAULT, H5P_DEFAULT);
  });
  expect_refused("nested deeper");
}

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

// 1,000 members that are one object with a text of 60 kB.
TEST_F(Hostile, LinksToTheSameTextDoNotMultiply) {
  write_root([](hid_t root) {
    const Id large(H5Gcreate2(root, "large", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(large, "type", std::string(60'000, 't'));
    const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(group, "type", "object");
    std::string members;
    for (int i = 0; i < 1000; ++i) {
      const std::string name = std::to_string(i);
      members += (members.empty() ? "" : "/") + name;
      H5Lcreate_hard(large, ".", group, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
    put_text(group, "members", members);
  });
  const std::int64_t before = peak_memory();
  expect_refused("shares its attributes");
  EXPECT_LT(peak_memory() - before, 16 << 20);
}

// 300 members of 250 members each, all of them one object; large enough to pay for their texts.
TEST_F(Hostile, EntriesAreCounted) {
  const auto linked = [](hid_t root, const char* name, hid_t below, int count) {
    Id group(H5Gcreate2(root, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(group, "type", "o");
    std::string members;
    for (int i = 0; i < count; ++i) {
      members += (i == 0 ? "" : "/") + std::to_string(i);
      H5Lcreate_hard(below, ".", group, std::to_string(i).c_str(), H5P_DEFAULT, H5P_DEFAULT);
    }
    put_text(group, "members", members);
    return group;
  };
  write_root([&](hid_t root) {
    fill_dataset(dataset(root, H5T_IEEE_F32LE, {1 << 20}, H5P_DEFAULT, "unnamed"),
                 std::vector<float>(1 << 20));
    const Id leaf(H5Gcreate2(root, "leaf", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    put_text(leaf, "type", "o");
    linked(root, "x", linked(root, "middle", leaf, 250), 300);
  });
  expect_refused("more than 65536 entries");
}

TEST_F(Hostile, ExtendableShapesAreRefused) {
  write([](hid_t group) {
    const hsize_t length = 2;
    const hsize_t most = 3;
    const Id space(H5Screate_simple(1, &length, &most), H5Sclose);
    const Id properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(properties, 1, &length);
    fill_dataset(
        Id(H5Dcreate2(group, "value", H5T_IEEE_F32LE, space, H5P_DEFAULT, properties, H5P_DEFAULT),
           H5Dclose),
        {1, 2});
  });
  expect_refused("can be extended");
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

// Not hostile: what other programs write.
TEST_F(Hostile, TextsOfAnyPaddingAreTaken) {
  for (const H5T_str_t padding : {H5T_STR_NULLTERM, H5T_STR_NULLPAD, H5T_STR_SPACEPAD}) {
    write_root([&](hid_t root) {
      const Id group(H5Gcreate2(root, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
      const Id space(H5Screate(H5S_SCALAR), H5Sclose);
      const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(type, 9);
      H5Tset_strpad(type, padding);
      const std::string rest(3, padding == H5T_STR_SPACEPAD ? ' ' : '\0');
      for (const auto& [name, value] :
           {std::pair{"type", "tensor"}, std::pair{"values", "value"}}) {
        const Id attribute(H5Acreate2(group, name, type, space, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
        H5Awrite(attribute, type, (value + rest + rest).data());
      }
      fill_dataset(dataset(group, H5T_IEEE_F32LE, {2}), {4, 5});
    });
    cp::Tensor x = cp::Tensor::from<float>({1, 2}, {2});
    cp::Checkpoint(one_rank(), {{"x", x}}).restore(path);
    EXPECT_EQ(x.values<float>()[1], 5) << padding;
  }
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
