// A manager's saves, at once and in the background, that lose power at any call: a restart finds a
// whole checkpoint, and none older than the last one that was told to be durable.
#include <gtest/gtest.h>

#include "checkpoint/faulty_files.h"
#include "checkpoint/numbered_files.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {
namespace {

constexpr std::int64_t steps = 3;

// Runs until a call from `at` on has failed; the last step that was told to be durable.
std::int64_t train(const std::shared_ptr<FaultyFiles>& files, bool in_background) {
  std::int64_t durable = 0;
  try {
    cp::Tensor tensor = generation(0);
    cp::CheckpointManager manager(one_rank(), "run", {{"tensor", tensor}},
                                  {.keep = 1, .files = files});
    for (std::int64_t step = 1; step <= steps; ++step) {
      tensor = generation(step);
      if (in_background) manager.save_async(step);
      const cp::SaveReport report = in_background ? manager.wait() : manager.save(step);
      if (report.durability == cp::Durability::durable) durable = step;
    }
  } catch (const cp::Error&) {
    // The power is gone.
  }
  return durable;
}

// What a restart finds; 0 for nothing, -1 for nothing whole.
std::int64_t restarted(const std::shared_ptr<MemoryDisk>& disk) {
  cp::Tensor tensor = generation(0);
  try {
    cp::CheckpointManager manager(one_rank(), "run", {{"tensor", tensor}}, {.files = disk});
    const std::int64_t step = manager.restore_latest();
    EXPECT_EQ(number_of(tensor), step);
    return step;
  } catch (const cp::Error&) {
    return -1;
  }
}

class PowerLoss : public testing::TestWithParam<bool> {
 protected:
  // Whether a restart found what was promised after a loss of power at each call.
  bool is_survived(bool file_syncs_work, bool folder_syncs_work) {
    bool is_kept = true;
    for (int at = 0;; ++at) {
      bool all_called = false;
      for (const int kept : {0, 1, 2, 3}) {
        const auto disk = std::make_shared<MemoryDisk>();
        disk->file_syncs_work = file_syncs_work;
        disk->folder_syncs_work = folder_syncs_work;
        const auto files = std::make_shared<FaultyFiles>(*disk);
        files->decide = [&](const std::string&, int n) { return n >= at ? -EIO : 0; };
        const std::int64_t durable = train(files, GetParam());
        all_called = durable == steps && static_cast<int>(files->calls.size()) <= at;
        disk->lose_power((kept & 1) != 0, (kept & 2) != 0);
        const std::int64_t found = restarted(disk);
        is_kept &= found >= durable && found <= steps;
      }
      if (all_called) return is_kept;
      if (at == 1000) {
        ADD_FAILURE() << "the saves do not end";
        return false;
      }
    }
  }
};

TEST_P(PowerLoss, AtAnyCallOfAManagerLosesNothingThatWasDurable) {
  EXPECT_TRUE(is_survived(true, true));
}

TEST_P(PowerLoss, LosesSomethingWithoutEitherSync) {
  EXPECT_FALSE(is_survived(false, true));
  EXPECT_FALSE(is_survived(true, false));
}

INSTANTIATE_TEST_SUITE_P(Saves, PowerLoss, testing::Bool(), [](const auto& test) {
  return test.param ? "InTheBackground" : "AtOnce";
});

}  // namespace
}  // namespace checkpoint_tests
