// A save that is killed, fails or loses power at any call leaves one whole generation: the one
// before, or the new one; and after a save that returned, the new one.
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstring>
#include <functional>
#include <future>
#include <thread>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/internal/durable_file.h"

namespace checkpoint_tests {
namespace {

constexpr std::int64_t length = 1000;

// A generation is whole if all its elements are its number.
cp::Tensor generation(std::int64_t number) {
  cp::Tensor tensor(cp::DType::i64, {length});
  for (std::int64_t& element : tensor.values<std::int64_t>()) element = number;
  return tensor;
}

std::int64_t number_of(const cp::Tensor& tensor) {
  EXPECT_EQ(tensor.size(), length);
  const auto values = tensor.values<std::int64_t>();
  for (const std::int64_t value : values) EXPECT_EQ(value, values[0]);
  return values[0];
}

void save(const std::string& path, std::int64_t number, std::shared_ptr<cp::FileOperations> files) {
  cp::Tensor tensor = generation(number);
  cp::Checkpoint(one_rank(), {{"tensor", tensor}}, std::move(files)).save(path);
}

std::int64_t restored(const std::string& path,
                      std::shared_ptr<cp::FileOperations> files = nullptr) {
  cp::Tensor tensor(cp::DType::i64, {});
  cp::Checkpoint(one_rank(), {{"tensor", tensor}}, std::move(files)).restore(path);
  return number_of(tensor);
}

std::vector<std::string> calls_of_a_save(const std::string& path) {
  auto files = std::make_shared<FaultyFiles>();
  save(path, 1, files);
  return files->calls;
}

TEST(Durability, OfASaveIsTheseCalls) {
  const TemporaryFolder folder;
  EXPECT_EQ(calls_of_a_save(folder / "a.h5"),
            (std::vector<std::string>{"open", "create", "lock", "status", "status of", "write",
                                      "sync", "rename", "open folder", "sync", "close", "close"}));
}

enum class Kill { before, after, half_way };

// In a child, so that the kill is real. Returns whether it was killed.
bool save_in_child(const std::string& path, std::int64_t number, int at, Kill kill) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int n) {
      if (n == at && kill == Kill::before) ::raise(SIGKILL);
      files->most_bytes = n == at && kill == Kill::half_way && call == "write" ? 4000 : SIZE_MAX;
      return 0;
    };
    files->after = [&] {
      if (static_cast<int>(files->calls.size()) == at + 1 && kill != Kill::before) ::raise(SIGKILL);
    };
    save(path, number, files);
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

TEST(Durability, SurvivesAKillAtEverySystemCall) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  const int calls = static_cast<int>(calls_of_a_save(path).size());
  std::int64_t last = 1;
  for (const Kill kill : {Kill::before, Kill::after, Kill::half_way}) {
    for (int at = 0; at < calls; ++at) {
      ASSERT_TRUE(save_in_child(path, last + 1, at, kill)) << at;
      const std::int64_t found = restored(path);
      EXPECT_TRUE(found == last || found == last + 1) << "killed at call " << at;
      save(path, ++last, nullptr);  // past what the killed one left behind
      EXPECT_EQ(restored(path), last);
      EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
    }
  }
}

// Calls from `at` on do nothing, as after a kill; then power is lost.
std::vector<std::int64_t> generations_after_power_loss(MemoryDisk& disk_settings, int at,
                                                       bool* returned) {
  std::vector<std::int64_t> found;
  for (const bool keep_names : {false, true}) {
    for (const bool keep_data : {false, true}) {
      auto disk = std::make_shared<MemoryDisk>();
      save("run/a.h5", 1, disk);
      disk->file_syncs_work = disk_settings.file_syncs_work;
      disk->folder_syncs_work = disk_settings.folder_syncs_work;
      auto files = std::make_shared<FaultyFiles>(*disk);
      files->decide = [&](const std::string&, int n) { return n >= at ? -EIO : 0; };
      cp::Tensor tensor = generation(2);
      cp::Checkpoint checkpoint(one_rank(), {{"tensor", tensor}}, files);
      *returned = false;
      try {
        *returned = checkpoint.save("run/a.h5").durability == cp::Durability::durable;
      } catch (const cp::Error&) {
      }
      disk->lose_power(keep_names, keep_data);
      try {
        found.push_back(restored("run/a.h5", disk));
      } catch (const cp::Error&) {
        found.push_back(0);  // nothing whole
      }
    }
  }
  return found;
}

TEST(Durability, SurvivesALossOfPowerAtEveryCall) {
  MemoryDisk honest;
  bool ever_returned = false;
  for (int at = 0; at < 14; ++at) {
    bool returned = false;
    for (const std::int64_t found : generations_after_power_loss(honest, at, &returned)) {
      EXPECT_TRUE(found == 2 || (found == 1 && !returned)) << found << " after call " << at;
    }
    ever_returned |= returned;
  }
  EXPECT_TRUE(ever_returned);
}

// Without either sync the promise breaks: neither is there for nothing.
TEST(Durability, NeedsBothSyncs) {
  bool returned = false;
  MemoryDisk without_file_syncs;
  without_file_syncs.file_syncs_work = false;
  EXPECT_THAT(generations_after_power_loss(without_file_syncs, 100, &returned),
              testing::Contains(0));
  EXPECT_TRUE(returned);
  MemoryDisk without_folder_syncs;
  without_folder_syncs.folder_syncs_work = false;
  EXPECT_THAT(generations_after_power_loss(without_folder_syncs, 100, &returned),
              testing::Contains(1));
  EXPECT_TRUE(returned);
}

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
    Durability, FaultOnDisk,
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
TEST(Durability, OfALargeFileBeginsWhileItIsWrittenAndMayFailThen) {
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

TEST(Durability, OfAFolderThatDoesNotSyncIsUncertainOnEveryRank) {
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
TEST(Durability, OfAFolderThatHasNothingToSyncIsCertain) {
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

TEST(Durability, ShortReadsAndWritesAreContinued) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  auto files = std::make_shared<FaultyFiles>();
  files->most_bytes = 7;
  save(path, 5, files);
  EXPECT_EQ(restored(path, files), 5);
}

TEST(Durability, UnreadableFilesAreDamagedAndForbiddenOnesAreNot) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1, nullptr);
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [](const std::string& call, int) { return call == "read" ? -EIO : 0; };
  EXPECT_EQ(error_of([&] { restored(path, files); }).code(), cp::ErrorCode::data_loss);
  files->decide = [](const std::string& call, int) { return call == "open" ? -EACCES : 0; };
  EXPECT_EQ(error_of([&] { restored(path, files); }).code(), cp::ErrorCode::failed_precondition);
}

TEST(Durability, TwoWritersOfOneFileRefuseEachOther) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  auto files = std::make_shared<FaultyFiles>();
  cp::Error second(cp::ErrorCode::internal, "");
  files->decide = [&](const std::string& call, int) {
    if (call == "rename") second = error_of([&] { save(path, 2, nullptr); });
    return 0;
  };
  save(path, 1, files);
  EXPECT_EQ(second.code(), cp::ErrorCode::unavailable);
  EXPECT_NE(second.message().find("another process"), std::string::npos) << second.what();
  EXPECT_EQ(restored(path), 1);
}

// The second takes the first one's file, not locked yet, for a leftover, and has its own there half
// written when the first goes on.
TEST(Durability, AWriterThatIsOvertakenBeforeItsLockLeavesTheOthersFileAlone) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1, nullptr);
  std::promise<void> half_written;
  std::promise<void> go_on;
  std::thread second;
  auto second_files = std::make_shared<FaultyFiles>();
  second_files->decide = [&](const std::string& call, int) {
    if (call == "write") {
      half_written.set_value();
      go_on.get_future().wait();
    }
    return 0;
  };
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (call == "lock" && !second.joinable()) {
      second = std::thread([&] { save(path, 3, second_files); });
      half_written.get_future().wait();
    }
    return 0;
  };
  EXPECT_EQ(error_of([&] { save(path, 2, files); }).code(), cp::ErrorCode::unavailable);
  EXPECT_EQ(restored(path), 1);
  go_on.set_value();
  second.join();
  EXPECT_EQ(restored(path), 3);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5"}));
}

class ContentThatThrows final : public internal::FileContent {
 public:
  std::uint64_t size() const override { return 5000; }
  void read(std::uint64_t, std::span<std::byte>) const override { throw std::bad_alloc(); }
};

TEST(Durability, ContentThatThrowsLeavesNothingBehind) {
  const TemporaryFolder folder;
  std::string warning;
  EXPECT_THROW(internal::write_durably(cp::FileOperations::posix(), folder / "a.h5",
                                       ContentThatThrows(), &warning),
               std::bad_alloc);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{});
}

}  // namespace
}  // namespace checkpoint_tests
