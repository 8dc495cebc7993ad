// Whose the folder of a manager is: looked at again before each step that would harm another job's.
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

TEST(Folder, ThatWasMadeAnewIsTheOtherJobs) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::int64_t other_value = 2;
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}});
  std::filesystem::remove_all(folder / "run");
  {
    cp::CheckpointManager other(one_rank(), folder / "run", {{"value", other_value}});
    other.save(1);
    const cp::Error error = error_of([&] { manager.save(1); });
    EXPECT_EQ(error.code(), cp::ErrorCode::unavailable) << error.what();
    EXPECT_NE(error.message().find("a folder of this job's own"), std::string::npos);
    EXPECT_EQ(other.restore_latest(), 1);
    EXPECT_EQ(other_value, 2);
  }
  EXPECT_EQ(error_of([&] { manager.save(1); }).code(), cp::ErrorCode::unavailable);

  // Nobody's: taken, so that the next job is refused.
  std::filesystem::remove_all(folder / "run");
  std::filesystem::create_directory(folder / "run");
  manager.save(3);
  EXPECT_EQ(error_of([&] {
              cp::CheckpointManager(one_rank(), folder / "run", {{"value", other_value}},
                                    {.lock_timeout_seconds = 0});
            }).code(),
            cp::ErrorCode::unavailable);
}

// Nobody else is there: the folder's lock file could not be looked at.
TEST(Folder, ThatCannotBeLookedAtIsNotAnotherJobs) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  for (const char* look : {"status", "status of"}) {
    bool broken = false;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int) { return broken && call == look ? -EIO : 0; };
    cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
    broken = true;
    const cp::Error error = error_of([&] { manager.save(1); });
    EXPECT_EQ(error.code(), cp::ErrorCode::unavailable);
    EXPECT_NE(error.message().find("Input/output error"), std::string::npos) << error.what();
    EXPECT_EQ(error.message().find("another job"), std::string::npos) << error.what();
  }
}

// By hand, while the job lives: the next one gets in, and is left alone by the first.
TEST(Folder, WhoseLockFileWasRemovedIsTheOtherJobs) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::int64_t other_value = 2;
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}});
  std::filesystem::remove(folder / "run/.counterpoint.lock");
  manager.save(1);  // nobody else has come
  EXPECT_EQ(error_of([&] {
              cp::CheckpointManager(one_rank(), folder / "run", {}, {.lock_timeout_seconds = 0});
            }).code(),
            cp::ErrorCode::unavailable);

  std::filesystem::remove(folder / "run/.counterpoint.lock");
  cp::CheckpointManager other(one_rank(), folder / "run", {{"value", other_value}});
  const cp::Error error = error_of([&] { manager.save(2); });
  EXPECT_EQ(error.code(), cp::ErrorCode::unavailable) << error.what();
  EXPECT_NE(error.message().find(".counterpoint.lock was removed"), std::string::npos)
      << error.what();
  EXPECT_EQ(other.restore_latest(), 1);
}

// The other job comes while the first has written all but the new name, for the same step.
TEST(Folder, IsLookedAtAgainJustBeforeAFileTakesItsPlace) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::int64_t other_value = 2;
  bool armed = false;
  std::optional<cp::CheckpointManager> other;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (armed && call == "sync") {
      armed = false;
      std::filesystem::remove(folder / "run/.counterpoint.lock");
      other.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", other_value}});
      write_file(folder / "run/.checkpoint-00000001.h5.tmp", "the other's, half written");
    }
    return 0;
  };
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
  armed = true;
  EXPECT_EQ(error_of([&] { manager.save(1); }).code(), cp::ErrorCode::unavailable);
  EXPECT_FALSE(std::filesystem::exists(manager.path_of(1)));
  EXPECT_EQ(read_file(folder / "run/.checkpoint-00000001.h5.tmp"), "the other's, half written");
}

// The other job comes once the file has taken its place: what else is there is its own by now.
TEST(Folder, IsLookedAtAgainBeforeOlderCheckpointsAreRemoved) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  bool armed = false;
  std::optional<cp::CheckpointManager> other;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (armed && call == "open folder") {  // after the rename
      armed = false;
      std::filesystem::remove(folder / "run/.counterpoint.lock");
      other.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", value}});
    }
    return 0;
  };
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}},
                                {.keep = 1, .files = files});
  manager.save(1);
  armed = true;
  EXPECT_NE(manager.save(2).warning.find("another job"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(manager.path_of(1)));
}

// A job waits for the lock of a folder that is removed and made anew by a third one.
TEST(Folder, WhoseLockWasWaitedForIsLookedAtWhenItComes) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  std::optional<cp::CheckpointManager> first;
  first.emplace(one_rank(), folder / "run", cp::NamedObjects{{"value", value}});
  std::promise<void> waiting;
  std::thread second([&] {
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&, told = false](const std::string& call, int) mutable {
      if (call == "lock" && files->calls.size() > 1 && !std::exchange(told, true)) {
        waiting.set_value();
      }
      return 0;
    };
    std::int64_t other_value = 2;
    const cp::Error error = error_of([&] {
      cp::CheckpointManager(one_rank(), folder / "run", {{"value", other_value}},
                            {.lock_timeout_seconds = 2, .files = files});
    });
    EXPECT_EQ(error.code(), cp::ErrorCode::unavailable) << error.what();
  });
  waiting.get_future().wait();
  std::filesystem::remove_all(folder / "run");
  cp::CheckpointManager third(one_rank(), folder / "run", {{"value", value}});
  write_file(folder / "run/.checkpoint-00000008.h5.tmp", "the third one's, half written");
  first.reset();
  second.join();
  EXPECT_TRUE(std::filesystem::exists(folder / "run/.checkpoint-00000008.h5.tmp"));
  third.save(8);
}

}  // namespace
}  // namespace checkpoint_tests
