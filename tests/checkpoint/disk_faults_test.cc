// A disk that fails at a call of a save, or says less than it was asked: an error on every rank
// that leaves the last good file, or a durability that is uncertain, or nothing at all.
#include <cstring>

#include "checkpoint/faulty_files.h"
#include "checkpoint/numbered_files.h"

namespace checkpoint_tests {
namespace {

struct Fault {
  const char* call;
  int error;
  cp::ErrorCode code;
};

class FaultOnDisk : public testing::TestWithParam<Fault> {};

TEST_P(FaultOnDisk, IsAnErrorOnEveryRankAndLeavesTheLastGoodFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1, nullptr);
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    bool broken = true;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int) {
      return broken && call == GetParam().call ? -GetParam().error : 0;
    };
    cp::Tensor tensor = generation(2);
    cp::Checkpoint checkpoint(world, {{"tensor", tensor}}, files);
    const cp::Error error = error_of([&] { checkpoint.save(path); });
    EXPECT_EQ(error.code(), GetParam().code) << error.what();
    EXPECT_NE(error.message().find(path), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(std::strerror(GetParam().error)), std::string::npos)
        << error.what();
    expect_same_on_all_ranks(*world, error.what());
    EXPECT_EQ(restored(path), 1);
    EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
    EXPECT_LE(std::count(files->calls.begin(), files->calls.end(), "sync"), 1)
        << "a failed sync is final for its descriptor";
    world->barrier();

    broken = false;  // training goes on
    checkpoint.save(path);
    EXPECT_EQ(restored(path), 2);
  });
}

INSTANTIATE_TEST_SUITE_P(
    DiskFaults, FaultOnDisk,
    testing::Values(Fault{"create", EROFS, cp::ErrorCode::failed_precondition},
                    Fault{"create", ENOSPC, cp::ErrorCode::resource_exhausted},
                    Fault{"create", EACCES, cp::ErrorCode::failed_precondition},
                    Fault{"lock", ENOLCK, cp::ErrorCode::failed_precondition},
                    Fault{"lock", ENOSYS, cp::ErrorCode::failed_precondition},
                    Fault{"lock", EOPNOTSUPP, cp::ErrorCode::failed_precondition},
                    Fault{"lock", EIO, cp::ErrorCode::unavailable},
                    Fault{"open", EMFILE, cp::ErrorCode::resource_exhausted},
                    Fault{"write", ENOSPC, cp::ErrorCode::resource_exhausted},
                    Fault{"write", EDQUOT, cp::ErrorCode::resource_exhausted},
                    Fault{"write", EIO, cp::ErrorCode::unavailable},
                    Fault{"sync", EIO, cp::ErrorCode::unavailable},
                    Fault{"sync", ENOSPC, cp::ErrorCode::resource_exhausted},
                    Fault{"rename", EIO, cp::ErrorCode::unavailable},
                    Fault{"rename", ENOENT, cp::ErrorCode::failed_precondition}));

// Of files of several leaves alone; a smaller one is on its way with one write.
TEST(DiskFaults, SyncOfALargeFileBeginsWhileItIsWrittenAndMayFailThen) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  auto files = std::make_shared<FaultyFiles>();
  cp::Tensor tensor(cp::DType::i64, {1 << 20});  // 8 MiB
  cp::Checkpoint checkpoint(cp::Communicator::world(), {{"tensor", tensor}}, files);
  checkpoint.save(path);
  EXPECT_EQ(std::count(files->calls.begin(), files->calls.end(), "begin sync"), 5);
  tensor.values<std::int64_t>()[0] = 1;
  files->decide = [](const std::string& call, int) { return call == "begin sync" ? -ENOSPC : 0; };
  EXPECT_EQ(error_of([&] { checkpoint.save(path); }).code(), cp::ErrorCode::resource_exhausted);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
  checkpoint.restore(path);
  EXPECT_EQ(tensor.values<std::int64_t>()[0], 0);
}

TEST(DiskFaults, FolderThatDoesNotSyncIsUncertainOnEveryRank) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    for (const char* call : {"open folder", "sync"}) {
      auto files = std::make_shared<FaultyFiles>();
      files->decide = [&, syncs = 0](const std::string& name, int) mutable {
        if (name == "sync" && std::string(call) == "sync" && ++syncs == 1) return 0;  // the file's
        return name == call ? -EIO : 0;
      };
      cp::Tensor tensor = generation(3);
      const auto report = cp::Checkpoint(world, {{"tensor", tensor}}, files).save(path);
      EXPECT_EQ(report.durability, cp::Durability::uncertain);
      EXPECT_NE(report.warning.find("could not be synced"), std::string::npos);
      expect_same_on_all_ranks(*world, report.warning);
      EXPECT_EQ(restored(path), 3);
    }
  });
}

// As file systems say that have nothing to sync in a folder.
TEST(DiskFaults, FolderThatHasNothingToSyncIsCertain) {
  const TemporaryFolder folder;
  for (const int error : {EINVAL, EOPNOTSUPP}) {
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [error, syncs = 0](const std::string& name, int) mutable {
      return name == "sync" && ++syncs == 2 ? -error : 0;  // the first is the file's
    };
    cp::Tensor tensor = generation(3);
    const auto report =
        cp::Checkpoint(one_rank(), {{"tensor", tensor}}, files).save(folder / "a.h5");
    EXPECT_EQ(std::count(files->calls.begin(), files->calls.end(), "sync"), 2);
    EXPECT_EQ(report.durability, cp::Durability::durable);
    EXPECT_EQ(report.warning, "");
  }
}

TEST(DiskFaults, ShortReadsAndWritesAreContinued) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  auto files = std::make_shared<FaultyFiles>();
  files->most_bytes = 7;
  save(path, 5, files);
  EXPECT_EQ(restored(path, files), 5);
}

TEST(DiskFaults, UnreadableFilesAreDamagedAndForbiddenOnesAreNot) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1, nullptr);
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [](const std::string& call, int) { return call == "read" ? -EIO : 0; };
  EXPECT_EQ(error_of([&] { restored(path, files); }).code(), cp::ErrorCode::data_loss);
  files->decide = [](const std::string& call, int) { return call == "open" ? -EACCES : 0; };
  EXPECT_EQ(error_of([&] { restored(path, files); }).code(), cp::ErrorCode::failed_precondition);
}

}  // namespace
}  // namespace checkpoint_tests
