// Files with a few bytes changed and a right digest, through the loader: an answer or an error, and
// never a crash, a hang, an open id or a word on stderr. COUNTERPOINT_MUTATIONS sets how many; what
// fails is named by its number.
#include <hdf5.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <random>

#include "checkpoint/images.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/internal/hdf5.h"

namespace checkpoint_tests {
namespace {

using internal::Id;

long mutations() {
  const char* number = std::getenv("COUNTERPOINT_MUTATIONS");
  return number == nullptr ? 4000 : std::atol(number);
}

std::string ours() {
  cp::SavedObject inner{
      .type = "object", .attributes = {{"text", "abc"}}, .values = {}, .members = {}};
  inner.values.emplace("value", cp::Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3}));
  inner.members.emplace("noise", FakeGenerator().save());
  const internal::FileBytes file =
      sealed_file({.type = "checkpoint",
                   .attributes = {{"stream_version", 1}},
                   .values = {},
                   .members = {{"inner", inner}, {"noise", FakeGenerator().save()}}});
  return {reinterpret_cast<const char*>(file.span().data()), file.size()};
}

// As h5py lays a file out: the oldest format, whose metadata has no checksums.
std::string by_hand() {
  const TemporaryFolder folder;
  const std::string path = folder / "by_hand.h5";
  {
    const Id creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
    H5Pset_userblock(creation, internal::header_bytes);
    const Id file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT), H5Fclose);
    const Id scalar(H5Screate(H5S_SCALAR), H5Sclose);
    const auto text = [&](hid_t object, const char* name, const std::string& value) {
      const Id type(H5Tcopy(H5T_C_S1), H5Tclose);
      H5Tset_size(type, value.size());
      const Id attribute(H5Acreate2(object, name, type, scalar, H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
      H5Awrite(attribute, type, value.data());
    };
    text(file, "type", "checkpoint");
    text(file, "members", "x");
    text(file, "attributes", "stream_version");
    const Id version(
        H5Acreate2(file, "stream_version", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose);
    const std::int64_t one = 1;
    H5Awrite(version, H5T_STD_I64LE, &one);
    const Id group(H5Gcreate2(file, "x", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    text(group, "type", "tensor");
    text(group, "values", "value");
    const hsize_t length = 4;
    const Id space(H5Screate_simple(1, &length, nullptr), H5Sclose);
    const Id set(
        H5Dcreate2(group, "value", H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose);
    const float values[] = {1, 2, 3, 4};
    H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  }
  return read_file(path);
}

// How many objects could be read.
int load(std::span<std::byte> file) {
  int objects = 0;
  internal::seal(file);
  try {
    const internal::ImageReader reader("file", file);
    for (const std::string& name : reader.names()) {
      try {
        objects += reader.read(name).has_value() ? 1 : 0;
      } catch (const cp::Error&) {
      }
    }
  } catch (const cp::Error&) {
  }
  return objects;
}

std::vector<std::byte> mutated(const std::string& seed, long number) {
  std::mt19937_64 random(static_cast<std::uint64_t>(number));
  std::vector<std::byte> file(seed.size());
  std::memcpy(file.data(), seed.data(), seed.size());
  for (std::uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
    std::byte& byte =
        file[internal::header_bytes + random() % (file.size() - internal::header_bytes)];
    const std::byte choices[] = {byte ^ std::byte(1 << (random() % 8)), std::byte(random()),
                                 std::byte{0}, std::byte{0xff}};
    byte = choices[random() % 4];
  }
  // Addresses and lengths are words: beyond the end, nothing, or where they stand themselves.
  const std::size_t offset =
      internal::header_bytes +
      random() % (file.size() - internal::header_bytes - sizeof(std::uint64_t));
  const std::uint64_t words[] = {~std::uint64_t{0}, 0, std::uint64_t{1} << 63,
                                 offset - internal::header_bytes};
  if (random() % 4 == 0) std::memcpy(file.data() + offset, &words[random() % 4], sizeof(words[0]));
  return file;
}

// Loads mutations [begin, end) in a child; empty if all went well.
std::string load_in_child(const std::string& seed, long begin, long end,
                          const std::string& messages) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    if (std::freopen(messages.c_str(), "w", stderr) == nullptr) ::_exit(3);
    for (long number = begin; number < end; ++number) {
      std::vector<std::byte> file = mutated(seed, number);
      load(file);
      if (H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) != 0) ::_exit(2);
    }
    std::exit(0);  // and not _exit: libhdf5 has a last word
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return ::strsignal(WTERMSIG(status));
  if (WEXITSTATUS(status) == 2) return "left ids open";
  if (WEXITSTATUS(status) != 0) return "exited with " + std::to_string(WEXITSTATUS(status));
  const std::string said = read_file(messages);
  return said.empty() ? "" : "said " + said;
}

class Mutation : public testing::TestWithParam<std::string (*)()> {};

TEST_P(Mutation, IsAnAnswerOrAnError) {
  const std::string seed = GetParam()();
  std::vector<std::byte> intact(seed.size());
  std::memcpy(intact.data(), seed.data(), seed.size());
  ASSERT_GT(load(intact), 0) << "the seed itself loads";

  const TemporaryFolder folder;
  constexpr long batch = 100;
  for (long begin = 0; begin < mutations(); begin += batch) {
    if (load_in_child(seed, begin, begin + batch, folder / "stderr").empty()) continue;
    for (long number = begin; number < begin + batch; ++number) {
      const std::string fault = load_in_child(seed, number, number + 1, folder / "stderr");
      EXPECT_EQ(fault, "") << "mutation " << number;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, Mutation, testing::Values(&ours, &by_hand),
                         [](const auto& test) { return test.index == 0 ? "Ours" : "ByHand"; });

}  // namespace
}  // namespace checkpoint_tests
