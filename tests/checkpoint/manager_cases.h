// Folders of checkpoints on any number of ranks.
#pragma once

#include <array>
#include <string>

#include "checkpoint/collective_case.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {

inline void manager_keeps_and_restores(const World& world, const std::string& folder) {
  std::int64_t value = 0;
  const std::string run = folder + "/nested/run";
  cp::CheckpointManager checkpoints(world, run, {{"value", value}}, {.keep = 2, .keep_every = 4});
  EXPECT_EQ(checkpoints.restore_latest(), 0);
  EXPECT_EQ(checkpoints.last_restore().path, "");
  for (std::int64_t step = 1; step <= 7; ++step) {
    value = 100 + step;
    checkpoints.save(step);
  }
  world->barrier();
  EXPECT_EQ(names_in(run),
            (std::vector<std::string>{".counterpoint.lock", "checkpoint-00000004.h5",
                                      "checkpoint-00000006.h5", "checkpoint-00000007.h5"}));
  world->barrier();
  value = 0;
  EXPECT_EQ(checkpoints.restore_latest(), 7);
  EXPECT_EQ(value, 107);
  EXPECT_EQ(error_of([&] { checkpoints.save(-1); }).code(), cp::ErrorCode::invalid_argument);
}

inline void manager_steps_past_damage(const World& world, const std::string& folder) {
  std::int64_t value = 0;
  const std::string run = folder + "/damaged";
  cp::CheckpointManager checkpoints(world, run, {{"value", value}}, {.keep = 3});
  for (std::int64_t step = 1; step <= 3; ++step) {
    value = 100 + step;
    checkpoints.save(step);
  }
  const auto path = checkpoints.path_of(3).string();
  if (world->rank() == 0) std::filesystem::resize_file(path, 700);
  EXPECT_EQ(checkpoints.restore_latest(), 2);
  EXPECT_EQ(value, 102);
  const cp::RestoreReport& report = checkpoints.last_restore();
  ASSERT_EQ(report.skipped.size(), 1u);
  EXPECT_EQ(report.skipped[0].path, path);
  EXPECT_TRUE(report.skipped[0].reason.starts_with("truncated")) << "the path is said once";
  expect_same_on_all_ranks(*world, report.to_string());

  // A damaged file does not count as one of those kept, and stays until its step comes again.
  checkpoints.save(4);
  checkpoints.save(5);
  EXPECT_TRUE(std::filesystem::exists(checkpoints.path_of(2)));
  EXPECT_TRUE(std::filesystem::exists(path));

  world->barrier();
  for (const std::int64_t step : {1, 2, 4, 5}) {
    if (world->rank() == 0 && std::filesystem::exists(checkpoints.path_of(step))) {
      write_file(checkpoints.path_of(step).string(), "not a checkpoint");
    }
  }
  value = 9;
  const cp::Error error = error_of([&] { checkpoints.restore_latest(); });
  EXPECT_EQ(error.code(), cp::ErrorCode::data_loss);
  expect_same_on_all_ranks(*world, error.what());
  EXPECT_EQ(value, 9);
}

inline void two_managers_refuse_each_other(const World& world, const std::string& folder) {
  std::int64_t value = 0;
  const std::string run = folder + "/taken";
  {
    cp::CheckpointManager first(world, run, {{"value", value}});
    const cp::Error error = error_of([&] {
      cp::CheckpointManager(world, run, {{"value", value}}, {.lock_timeout_seconds = 0.05});
    });
    EXPECT_EQ(error.code(), cp::ErrorCode::unavailable);
    EXPECT_NE(error.message().find("another job"), std::string::npos) << error.what();
    expect_same_on_all_ranks(*world, error.what());
  }
  cp::CheckpointManager(world, run, {{"value", value}});
}

}  // namespace checkpoint_tests
