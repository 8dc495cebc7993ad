// Saves in the background: the state of the moment, errors that are not lost, and a disk that
// stalls without taking other ranks along.
#include <future>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/checkpoint/internal/saved_state.h"

namespace checkpoint_tests {
namespace {

using World = std::shared_ptr<cp::Communicator>;

// A disk whose syncs, but for the first, of the manager's folder, wait until it is released.
class StalledDisk {
 public:
  std::shared_ptr<FaultyFiles> files() {
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [released = released_, syncs = 0](const std::string& call, int) mutable {
      if (call == "sync" && ++syncs > 1) released.wait();
      return 0;
    };
    return files;
  }
  void release() { release_.set_value(); }

 private:
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future().share();
};

TEST(AsyncSave, KeepsTheStateOfTheMoment) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const World& world) {
    StalledDisk disk;
    std::int64_t value = 1;
    const auto files = disk.files();
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}}, {.files = files});
    manager.save_async(5);
    value = 2;
    disk.release();
    const cp::SaveReport report = manager.wait();
    EXPECT_EQ(report.path, manager.path_of(5));
    expect_same_on_all_ranks(*world, report.path);
    EXPECT_EQ(manager.wait().path, "");
    EXPECT_EQ(manager.restore_latest(), 5);
    EXPECT_EQ(value, 1);
  });
}

TEST(AsyncSave, ReportsWhatWentWrongAtTheNextCall) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const World& world) {
    auto files = std::make_shared<FaultyFiles>();
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}}, {.files = files});
    for (const bool by_save : {false, true}) {
      files->decide = [](const std::string& call, int) { return call == "write" ? -ENOSPC : 0; };
      manager.save_async(1);
      const cp::Error error = error_of([&] { by_save ? manager.save(2) : manager.wait(); });
      EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted);
      EXPECT_NE(error.message().find("checkpoint-00000001.h5"), std::string::npos) << error.what();
      expect_same_on_all_ranks(*world, error.what());
      files->decide = nullptr;
      EXPECT_EQ(manager.restore_latest(), by_save ? 3 : 0);
      manager.save(3);
    }
    EXPECT_EQ(manager.restore_latest(), 3);
  });
}

// The ranks' deadline is far shorter than the disk's stall.
TEST(AsyncSave, AStalledDiskDoesNotHangOrLoseOtherRanks) {
  const TemporaryFolder folder;
  StalledDisk disk;
  std::thread later;
  on_thread_ranks(3, [&](const World& world) {
    world->set_timeout_seconds(1);
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}},
                                  {.files = disk.files()});
    if (world->rank() == 0) {
      later = std::thread([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(2500));
        disk.release();
      });
    }
    EXPECT_EQ(manager.save(1).durability, cp::Durability::durable);
    EXPECT_EQ(manager.restore_latest(), 1);
  });
  later.join();
}

TEST(AsyncSave, GivesUpWaitingOnEveryRankAndCanWaitAgain) {
  const TemporaryFolder folder;
  StalledDisk disk;
  on_thread_ranks(2, [&](const World& world) {
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}},
                                  {.write_timeout_seconds = 0.1, .files = disk.files()});
    const cp::Error error = error_of([&] { manager.save(1); });
    EXPECT_EQ(error.code(), cp::ErrorCode::deadline_exceeded);
    expect_same_on_all_ranks(*world, error.what());
    world->barrier();
    if (world->rank() == 0) disk.release();
    world->barrier();
    for (bool done = false; !done;) {
      const auto attempt =
          internal::attempting([&] { done = manager.wait().path == manager.path_of(1); });
      if (attempt) {
        EXPECT_EQ(attempt->code(), cp::ErrorCode::deadline_exceeded);
      }
    }
    EXPECT_EQ(manager.restore_latest(), 1);
  });
}

// What the writing thread had not read yet when the caller stopped waiting is of the moment too.
TEST(AsyncSave, GivenUpWaitingForKeepsTheStateOfTheMoment) {
  const TemporaryFolder folder;
  std::promise<void> release;
  bool stall = false;
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {
    if (stall && call == "create") release.get_future().wait();
    return 0;
  };
  cp::Tensor value = cp::Tensor::from<std::int64_t>({1}, {1});
  cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}},
                                {.write_timeout_seconds = 0.1, .files = files});
  stall = true;
  EXPECT_EQ(error_of([&] { manager.save(1); }).code(), cp::ErrorCode::deadline_exceeded);
  value.values<std::int64_t>()[0] = 2;
  release.set_value();
  while (internal::attempting([&] { manager.wait(); })) {
  }
  EXPECT_EQ(manager.restore_latest(), 1);
  EXPECT_EQ(value.values<std::int64_t>()[0], 1);
}

// The ranks' deadline is shorter than the wait for the folder.
TEST(AsyncSave, AFolderThatIsWaitedForDoesNotLoseOtherRanks) {
  const TemporaryFolder folder;
  std::int64_t value = 1;
  const cp::CheckpointManager other(one_rank(), folder / "run", {{"value", value}});
  on_thread_ranks(2, [&](const World& world) {
    world->set_timeout_seconds(2);
    std::int64_t mine = 2;
    const cp::Error error = error_of([&] {
      cp::CheckpointManager(world, folder / "run", {{"value", mine}},
                            {.lock_timeout_seconds = 4.5});
    });
    EXPECT_EQ(error.code(), cp::ErrorCode::unavailable);
    EXPECT_NE(error.message().find("another job"), std::string::npos) << error.what();
    expect_same_on_all_ranks(*world, error.what());
  });
}

// More than there is memory for.
TEST(AsyncSave, WithoutMemoryForACopyIsGivenUpByItsReader) {
  const std::int64_t elements = std::int64_t{1} << 50;
  cp::SavedObject root{.type = "checkpoint", .attributes = {}, .values = {}, .members = {}};
  std::byte never_read{};
  root.values.emplace("value",
                      cp::Tensor::adopt(cp::DType::f32, {elements}, {}, &never_read, nullptr));
  internal::SavedState state(std::move(root));
  internal::ValueCopies memory;
  EXPECT_EQ(error_of([&] { state.detach(memory); }).code(), cp::ErrorCode::resource_exhausted);
  { const auto guard = state.reading(); }
  state.release(memory);
  const cp::Error error = error_of([&] { const auto guard = state.reading(); });
  EXPECT_EQ(error.code(), cp::ErrorCode::resource_exhausted);
  EXPECT_NE(error.message().find("no memory for a copy"), std::string::npos) << error.what();
}

TEST(AsyncSave, DestructionWaits) {
  const TemporaryFolder folder;
  StalledDisk disk;
  std::thread later;
  std::int64_t value = 1;
  {
    cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}},
                                  {.files = disk.files()});
    manager.save_async(1);
    later = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      disk.release();
    });
  }
  EXPECT_EQ(names_in(folder / "run"),
            (std::vector<std::string>{".counterpoint.lock", "checkpoint-00000001.h5"}));
  later.join();
}

TEST(AsyncSave, RefusesWhatCannotBeSavedAtOnce) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const World& world) {
    std::int64_t value = 1;
    cp::CheckpointManager manager(world, folder / "run", {{"value", value}});
    EXPECT_EQ(error_of([&] { manager.save_async(-1); }).code(), cp::ErrorCode::invalid_argument);
    manager.save_async(4);
    EXPECT_EQ(manager.restore_latest(), 4) << "waits for what is under way";
  });
}

}  // namespace
}  // namespace checkpoint_tests
