// A disk that is slow but moves is waited for, however long all of it takes.
#include <atomic>
#include <memory>
#include <thread>

#include "checkpoint/faulty_files.h"
#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

TEST(SlowDisk, ThatMovesIsNotGivenUp) {
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

}  // namespace
}  // namespace checkpoint_tests
