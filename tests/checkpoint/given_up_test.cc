// Saves that nobody waits for any more: they replace nothing that came after them, keep no rank
// longer than the others, and are waited for where a rank leaves alone.
#include <future>
#include <limits>
#include <optional>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/checkpoint/internal/session.h"

namespace checkpoint_tests {
namespace {

using World = std::shared_ptr<cp::Communicator>;

void save(const std::string& path, std::int64_t value) {
  cp::Checkpoint(one_rank(), {{"value", value}}).save(path);
}

std::int64_t restored(const std::string& path) {
  std::int64_t value = 0;
  cp::Checkpoint(one_rank(), {{"value", value}}).restore(path);
  return value;
}

// Files that wait for `end` at the first call of a name after `armed`.
std::shared_ptr<FaultyFiles> waiting_files(const std::string& call,
                                           std::shared_ptr<std::atomic<bool>> armed,
                                           std::shared_future<void> end) {
  auto files = std::make_shared<FaultyFiles>();
  files->decide = [=](const std::string& name, int) {
    if (name == call && armed->exchange(false)) end.wait();
    return 0;
  };
  return files;
}

class GivenUp : public testing::TestWithParam<const char*> {};

TEST_P(GivenUp, SaveLeavesWhatCameAfterItAlone) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1);
  save(folder / "newer.h5", 3);
  std::promise<void> release;
  const auto armed = std::make_shared<std::atomic<bool>>(true);
  const auto files = waiting_files(GetParam(), armed, release.get_future().share());
  on_thread_ranks(2, [&](const World& world) {
    std::int64_t value = 2;
    internal::Session session(world, {{"value", value}}, files, 0.3);
    const auto save_to = [&](const std::string& target) {
      return internal::attempting([&] { session.save(target, std::source_location::current()); });
    };
    const internal::Attempt given_up = save_to(path);
    ASSERT_TRUE(given_up);
    EXPECT_EQ(given_up->code(), cp::ErrorCode::deadline_exceeded) << given_up->what();
    value = 4;
    const internal::Attempt refused = save_to(path);
    ASSERT_TRUE(refused) << "the disk still has the one before";
    EXPECT_EQ(refused->code(), cp::ErrorCode::unavailable) << refused->what();
    EXPECT_NE(refused->message().find("the save before was given up"), std::string::npos);
    expect_same_on_all_ranks(*world, refused->what());
    if (world->rank() == 0) {
      std::filesystem::rename(folder / "newer.h5", path);
      release.set_value();
    }
    internal::Attempt failed;
    while ((failed = save_to(folder / "later.h5"))) {
      ASSERT_NE(failed->code(), cp::ErrorCode::internal) << failed->what();
    }
  });
  EXPECT_FALSE(*armed);
  EXPECT_EQ(restored(path), 3);
  EXPECT_EQ(restored(folder / "later.h5"), 4);
  EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"a.h5", "later.h5"}));
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, GivenUp,
                         testing::Values("open", "create", "lock", "write", "sync"),
                         [](const auto& test) { return std::string(test.param); });

// What the disk has begun cannot be taken back, and nobody waits for it; but others are kept out.
TEST(GivenUpAtTheRename, TakesItsPlaceBeforeAnyOther) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  save(path, 1);
  std::promise<void> release;
  const auto armed = std::make_shared<std::atomic<bool>>(true);
  const auto files = waiting_files("rename", armed, release.get_future().share());
  std::int64_t value = 2;
  internal::Session session(one_rank(), {{"value", value}}, files, 0.3);
  const auto here = std::source_location::current();
  EXPECT_EQ(error_of([&] { session.save(path, here); }).code(), cp::ErrorCode::deadline_exceeded);
  EXPECT_EQ(error_of([&] { save(path, 3); }).code(), cp::ErrorCode::unavailable);
  EXPECT_EQ(restored(path), 1);
  release.set_value();
  while (internal::attempting([&] { session.save(folder / "later.h5", here); })) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(restored(path), 2);
  save(path, 3);
  EXPECT_EQ(restored(path), 3);
}

// A single rank has nobody who waits for it, but a user.
TEST(GivenUpBySingleRank, NamesTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.h5";
  std::int64_t value = 1;
  save(path, value);
  struct At {
    const char* call;
    int nth;
  };
  for (const auto& [call, nth] : {At{"open", 1}, {"read", 1}, {"read", 2}, {"write", 1}}) {
    const bool saving = std::string(call) == "write";
    std::promise<void> release;
    auto files = std::make_shared<FaultyFiles>();
    files->decide = [=, seen = 0, end = release.get_future().share()](const std::string& name,
                                                                      int) mutable {
      if (name == call && ++seen == nth) end.wait();
      return 0;
    };
    internal::Session session(one_rank(), {{"value", value}}, files, 0.3);
    const auto here = std::source_location::current();
    const auto next = [path](const cp::Error*) { return std::optional(path); };
    const cp::Error error = error_of([&] {
      saving ? static_cast<void>(session.save(path, here))
             : static_cast<void>(session.restore("restore", path, here, {}, next));
    });
    EXPECT_EQ(error.code(), cp::ErrorCode::deadline_exceeded) << call << ": " << error.what();
    EXPECT_TRUE(error.message().starts_with(path)) << call << ": " << error.what();
    release.set_value();
  }
}

// The others' deadline is shorter than the write timeout, and ends after the second that they wait
// for together: a rank that waited for a third one would be dead to them.
TEST(GivenUpManager, EndsOnEveryRankAtOnce) {
  const TemporaryFolder folder;
  std::promise<void> release;
  const auto armed = std::make_shared<std::atomic<bool>>(false);
  const auto files = waiting_files("write", armed, release.get_future().share());
  on_thread_ranks(2, [&](const World& world) {
    world->set_timeout_seconds(3);
    {
      std::int64_t value = 1;
      cp::CheckpointManager manager(world, folder / "run", {{"value", value}},
                                    {.write_timeout_seconds = 5, .files = files});
      world->barrier();
      *armed = true;
      world->barrier();
      EXPECT_EQ(error_of([&] { manager.save(1); }).code(), cp::ErrorCode::deadline_exceeded);
    }
    world->barrier();
  });
  EXPECT_FALSE(*armed);
  release.set_value();
}

TEST(GivenUpManager, IsWaitedForWhereAnExceptionLeavesIt) {
  for (const double seconds : {3600.0, 1e10, std::numeric_limits<double>::infinity()}) {
    const TemporaryFolder folder;
    std::filesystem::path path;
    std::int64_t value = 1;
    struct Left {};
    try {
      auto files = std::make_shared<FaultyFiles>();
      cp::CheckpointManager manager(one_rank(), folder / "run", {{"value", value}},
                                    {.write_timeout_seconds = seconds, .files = files});
      files->decide = [](const std::string& call, int) {
        if (call == "write") std::this_thread::sleep_for(std::chrono::milliseconds(300));
        return 0;
      };
      path = manager.path_of(1);
      manager.save_async(1);
      throw Left();
    } catch (const Left&) {
      EXPECT_TRUE(std::filesystem::exists(path)) << seconds << " s";
    }
  }
}

}  // namespace
}  // namespace checkpoint_tests
