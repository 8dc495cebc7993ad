// The folder of a manager: what stays in it, and what becomes of a save when it cannot be tidied
// up.
#include <algorithm>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

TEST(Folder, KeepsOlderCheckpointsWhileTheNewestIsUncertain) {
  const TemporaryFolder folder;
  bool broken = false;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& name, int) {
    return broken && name == "open folder" ? -EIO : 0;
  };
  std::int64_t value = 0;
  cp::CheckpointManager manager(one_rank(), folder.path(), {{"value", value}},
                                {.keep = 1, .lock_timeout_seconds = 0, .files = files});
  manager.save(1);
  broken = true;
  EXPECT_EQ(manager.save(2).durability, cp::Durability::uncertain);
  EXPECT_TRUE(std::filesystem::exists(manager.path_of(1)));
  broken = false;
  manager.save(3);
  EXPECT_FALSE(std::filesystem::exists(manager.path_of(1)));
  EXPECT_FALSE(std::filesystem::exists(manager.path_of(2)));
}

TEST(Folder, ThatVanishedIsAnErrorAndComesBack) {
  const TemporaryFolder folder;
  std::int64_t value = 0;
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}});
  std::filesystem::remove_all(folder / "run");
  EXPECT_EQ(error_of([&] { manager.save(1); }).code(), cp::ErrorCode::failed_precondition);
  std::filesystem::create_directory(folder / "run");
  manager.save(1);
  EXPECT_EQ(manager.restore_latest(), 1);
}

TEST(Folder, DoesNotCountWhatIsNoCheckpoint) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  cp::CheckpointManager manager(one_rank(), folder.path(), {{"value", value}}, {.keep = 2});
  manager.save(1);
  std::filesystem::create_directory(manager.path_of(8));
  write_file(manager.path_of(9).string(), "no checkpoint");
  manager.save(2);
  EXPECT_TRUE(std::filesystem::exists(manager.path_of(1)));
  manager.save(3);
  EXPECT_FALSE(std::filesystem::exists(manager.path_of(1)));
  EXPECT_TRUE(std::filesystem::exists(manager.path_of(2)));
}

TEST(Folder, ThatCannotBeTidiedFailsNoSave) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    bool broken = false;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int) {
      return broken && call == "list" ? -EMFILE : 0;
    };
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}}, {.files = files});
    broken = true;
    const cp::SaveReport report = manager.save(1);
    EXPECT_EQ(report.durability, cp::Durability::durable);
    EXPECT_NE(report.warning.find("older checkpoints"), std::string::npos) << report.warning;
    expect_same_on_all_ranks(*world, report.warning);
    broken = false;
    EXPECT_EQ(manager.restore_latest(), 1);
  });
}

// Also when it is there already: who made it may have been killed before.
TEST(Folder, IsSyncedInItsParent) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  for (const char* state : {"new", "old"}) {
    auto files = std::make_shared<FaultyFiles>();
    cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
    EXPECT_EQ(std::count(files->calls.begin(), files->calls.end(), "sync"), 1) << state;
  }
}

TEST(Folder, ThatIsNotSyncedInItsParentMakesSavesUncertainUntilItIs) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  for (const bool is_new : {true, false}) {
    const int opened_by_the_save = is_new ? 2 : 3;  // of "run" itself
    bool broken = true;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&, opened = 0](const std::string& call, int) mutable {
      return broken && call == "open folder" && ++opened != opened_by_the_save ? -EIO : 0;
    };
    cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.files = files});
    const cp::SaveReport report = manager.save(1);
    EXPECT_EQ(report.durability, cp::Durability::uncertain) << is_new;
    EXPECT_TRUE(report.warning.starts_with(folder / "run: the folder " + folder.path() +
                                           " could not be synced (Input/output error)"))
        << report.warning;
    broken = false;
    EXPECT_EQ(manager.save(2).durability, cp::Durability::durable) << is_new;
  }
}

// Its header is whole, so that only the restore that found it knows.
TEST(Folder, DoesNotCountWhatARestoreFoundDamagedInside) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.keep = 2});
  manager.save(1);
  manager.save(2);
  std::string bytes = read_file(manager.path_of(2));
  bytes[bytes.size() / 2] ^= 1;
  write_file(manager.path_of(2), bytes);
  EXPECT_EQ(manager.restore_latest(), 1);
  manager.save(3);
  EXPECT_TRUE(std::filesystem::exists(manager.path_of(1))) << "one of the newest two whole ones";
  manager.save(4);
  EXPECT_EQ(names_in(folder / "run"),
            (std::vector<std::string>{".counterpoint.lock", "checkpoint-00000002.h5",
                                      "checkpoint-00000003.h5", "checkpoint-00000004.h5"}));
}

// Its step is saved again: the file is one of those to keep from then on.
TEST(Folder, CountsADamagedStepThatWasSavedAgain) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}}, {.keep = 1});
  manager.save(9);
  write_file(manager.path_of(10).string(), "damaged");
  EXPECT_EQ(manager.restore_latest(), 9);
  manager.save(10);
  EXPECT_EQ(names_in(folder / "run"),
            (std::vector<std::string>{".counterpoint.lock", "checkpoint-00000010.h5"}));
}

TEST(Folder, FromWhichAFileCannotBeRemovedIsInTheReport) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](std::shared_ptr<cp::Communicator> world) {
    bool broken = true;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [&](const std::string& call, int) {
      return broken && call == "remove" ? -EACCES : 0;
    };
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}},
                                  {.keep = 1, .files = files});
    manager.save(1);
    manager.save(2);
    const cp::SaveReport report = manager.save(3);
    EXPECT_EQ(report.durability, cp::Durability::durable);
    for (const std::int64_t step : {1, 2}) {
      EXPECT_NE(report.warning.find(manager.path_of(step).string() +
                                    ": could not remove it: Permission denied"),
                std::string::npos)
          << report.warning;
    }
    expect_same_on_all_ranks(*world, report.warning);
    world->barrier();
    broken = false;
    EXPECT_EQ(manager.save(4).warning, "");
    EXPECT_FALSE(std::filesystem::exists(manager.path_of(1)));
  });
}

}  // namespace
}  // namespace checkpoint_tests
