// A disk that is slow but moves is waited for, however long all of it takes.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/checkpoint/internal/session.h"

namespace checkpoint_tests {
namespace {

TEST(SlowRestore, ThatMovesIsNotGivenUp) {
  constexpr std::chrono::milliseconds each(500);
  constexpr double limit_seconds = 3;
  const TemporaryFolder folder;
  std::atomic<bool> slow = false;
  std::atomic<int> reads = 0;
  const auto files = std::make_shared<FaultyFiles>();
  files->decide = [&](const std::string& call, int) {  // one call at a time
    if (slow && call == "read") {
      ++reads;
      std::this_thread::sleep_for(each);
    }
    return 0;
  };
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    cp::Tensor tensor(cp::DType::f32, {5 << 20});
    cp::CheckpointManager manager(world, folder / "run", {{"tensor", tensor}}, {.files = files});
    tensor.values<float>()[(5 << 20) - 1] = 7;
    manager.save(1);
  });
  slow = true;
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    cp::Tensor tensor(cp::DType::f32, {5 << 20});
    cp::CheckpointManager manager(world, folder / "run", {{"tensor", tensor}},
                                  {.write_timeout_seconds = limit_seconds, .files = files});
    EXPECT_EQ(manager.restore_latest(), 1);
    EXPECT_EQ(tensor.values<float>()[(5 << 20) - 1], 7);
  });
  // Else there was nothing to wait for.
  EXPECT_GT(std::chrono::duration<double>(each * reads.load()).count(), 1.3 * limit_seconds);
}

using World = std::shared_ptr<cp::Communicator>;

constexpr double limit_seconds = 2;
constexpr std::chrono::milliseconds each(300);

// Takes `each` for any of these calls, and after `stall_at` of them does not come back before
// `end`.
class SlowDisk {
 public:
  explicit SlowDisk(std::set<std::string> slow, int stall_at = 1 << 30)
      : state_(std::make_shared<State>()) {
    state_->slow = std::move(slow);
    files_->decide = [state = state_, stall_at, end = end_.get_future().share()](
                         const std::string& call, int) {  // one call at a time
      if (!state->armed || !state->slow.contains(call)) return 0;
      std::this_thread::sleep_for(each);
      if (++state->waits > stall_at) end.wait();
      return 0;
    };
  }
  ~SlowDisk() { end_.set_value(); }
  SlowDisk(const SlowDisk&) = delete;
  SlowDisk& operator=(const SlowDisk&) = delete;

  std::shared_ptr<FaultyFiles> files() const { return files_; }
  void arm() { state_->armed = true; }
  // How long it was slow, of what anybody waits without progress.
  double limits_waited() const {
    return std::chrono::duration<double>(each * state_->waits.load()).count() / limit_seconds;
  }

 private:
  struct State {
    std::set<std::string> slow;
    std::atomic<bool> armed = false;
    std::atomic<int> waits = 0;
  };
  std::shared_ptr<State> state_;
  std::promise<void> end_;
  std::shared_ptr<FaultyFiles> files_ = std::make_shared<FaultyFiles>();
};

class SlowSave : public testing::TestWithParam<int> {};

constexpr std::int64_t many_writes = 5 << 20;

TEST_P(SlowSave, ThatMovesIsNotGivenUp) {
  const TemporaryFolder folder;
  SlowDisk disk({"write"});
  on_thread_ranks(GetParam(), [&](const World& world) {
    cp::Tensor tensor(cp::DType::f32, {many_writes});
    internal::Session session(world, {{"tensor", tensor}}, disk.files(), limit_seconds);
    world->barrier();
    disk.arm();
    const auto report = session.save(folder / "a.h5", std::source_location::current());
    EXPECT_GT(report.bytes, 4u * many_writes);
  });
  EXPECT_GT(disk.limits_waited(), 1.3) << "else there was nothing to wait for";
}

TEST_P(SlowSave, OfAManagerThatMovesIsNotGivenUp) {
  const TemporaryFolder folder;
  SlowDisk disk({"write"});
  on_thread_ranks(GetParam(), [&](const World& world) {
    cp::Tensor tensor(cp::DType::f32, {many_writes});
    cp::CheckpointManager manager(world, folder / "run", {{"tensor", tensor}},
                                  {.write_timeout_seconds = limit_seconds, .files = disk.files()});
    world->barrier();
    disk.arm();
    manager.save_async(1);
    EXPECT_EQ(manager.wait().path, manager.path_of(1));
  });
  EXPECT_GT(disk.limits_waited(), 1.3) << "else there was nothing to wait for";
}

TEST_P(SlowSave, ThatRemovesManyOldOnesIsNotGivenUp) {
  const TemporaryFolder folder;
  SlowDisk disk({"remove"});
  on_thread_ranks(GetParam(), [&](const World& world) {
    std::int64_t value = 1;
    const auto manager_that_keeps = [&](int keep) {
      return cp::CheckpointManager(
          world, folder / "run", {{"value", value}},
          {.keep = keep, .write_timeout_seconds = limit_seconds, .files = disk.files()});
    };
    {
      cp::CheckpointManager manager = manager_that_keeps(20);
      for (std::int64_t step = 1; step <= 10; ++step) manager.save(step);
    }
    cp::CheckpointManager manager = manager_that_keeps(1);
    world->barrier();
    disk.arm();
    EXPECT_EQ(manager.save(11).warning, "");
  });
  EXPECT_GT(disk.limits_waited(), 1.3) << "else there was nothing to wait for";
}

TEST_P(SlowSave, ThatMovesNoMoreIsGivenUp) {
  const TemporaryFolder folder;
  SlowDisk disk({"write"}, 9);
  on_thread_ranks(GetParam(), [&](const World& world) {
    cp::Tensor tensor(cp::DType::f32, {many_writes});
    internal::Session session(world, {{"tensor", tensor}}, disk.files(), limit_seconds);
    world->barrier();
    disk.arm();
    const cp::Error error =
        error_of([&] { session.save(folder / "a.h5", std::source_location::current()); });
    EXPECT_EQ(error.code(), cp::ErrorCode::deadline_exceeded) << error.what();
    EXPECT_NE(error.message().find("nothing moved on it for 2 s"), std::string::npos)
        << error.what();
  });
  EXPECT_GT(disk.limits_waited(), 1.3) << "else it was not given up for having stopped";
}

INSTANTIATE_TEST_SUITE_P(Checkpoint, SlowSave, testing::Values(1, 2),
                         [](const auto& test) { return "of_" + std::to_string(test.param); });

}  // namespace
}  // namespace checkpoint_tests
