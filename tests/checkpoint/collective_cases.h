// What must hold for any number of ranks, threads or processes: each case is called by every rank
// with the communicator and one folder.
#pragma once

#include <array>
#include <span>
#include <string>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"

namespace checkpoint_tests {

using World = std::shared_ptr<cp::Communicator>;
using Case = void (*)(const World& world, const std::string& folder);

struct NamedCase {
  const char* name;
  Case body;
};

inline void round_trip(const World& world, const std::string& folder) {
  auto noise = std::make_shared<FakeGenerator>(std::vector<std::int64_t>{10, 0, -7});
  cp::Tensor weights = cp::Tensor::from<float>({1.5f, -2.0f, 0.0f, 3.25f}, {2, 2});
  std::int64_t step = 17;
  double loss = 0.125;
  const std::string path = folder + "/round_trip.h5";
  cp::Checkpoint checkpoint(
      world, {{"noise", noise}, {"weights", weights}, {"step", step}, {"loss", loss}});
  const cp::SaveReport saved = checkpoint.save(path);
  EXPECT_EQ(saved.path, path);
  EXPECT_EQ(saved.bytes, std::filesystem::file_size(path));
  EXPECT_EQ(saved.durability, cp::Durability::durable);

  noise->state = {0, 0, 0};
  weights = cp::Tensor(cp::DType::f32, {3});
  step = 0;
  loss = 0;
  const cp::RestoreReport report = checkpoint.restore(path);
  EXPECT_EQ(noise->state, (std::vector<std::int64_t>{10, 0, -7}));
  EXPECT_EQ(weights.shape(), (cp::Shape{2, 2}));
  EXPECT_EQ(weights.values<float>()[3], 3.25f);
  EXPECT_EQ(step, 17);
  EXPECT_EQ(loss, 0.125);
  ASSERT_EQ(report.objects.size(), 4u);
  for (const auto& object : report.objects) EXPECT_EQ(object.result, cp::ObjectResult::exact);
  EXPECT_EQ(report.objects[0].name, "noise");
  expect_same_on_all_ranks(*world, report.to_string());
}

inline void another_replica_count_is_derived(const World& world, const std::string& folder) {
  const std::string path = folder + "/derived.h5";
  auto two = std::make_shared<FakeGenerator>(std::vector<std::int64_t>{1, 2, 3}, 2);
  auto three = std::make_shared<FakeGenerator>(std::vector<std::int64_t>{0, 0, 0}, 3);
  cp::Checkpoint(world, {{"noise", two}}).save(path);
  const auto report = cp::Checkpoint(world, {{"noise", three}}).restore(path);
  EXPECT_EQ(report.objects.at(0).result, cp::ObjectResult::derived);
  EXPECT_EQ(three->state, two->state);
}

// The last rank's object refuses: nobody's changes, and everybody hears why.
inline void one_rank_refuses(const World& world, const std::string& folder) {
  const std::string path = folder + "/refused.h5";
  const int last = world->size() - 1;
  std::int64_t first = 1;
  auto noise = std::make_shared<FakeGenerator>();
  cp::Checkpoint checkpoint(world, {{"first", first}, {"noise", noise}});
  checkpoint.save(path);
  first = 2;
  noise->state = {9, 9, 9};
  if (world->rank() == last) {
    noise->on_prepare = [] { throw cp::Error(cp::ErrorCode::failed_precondition, "is busy"); };
  }
  const cp::Error error = error_of([&] { checkpoint.restore(path); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find(path + ": object 'noise' is busy"), std::string::npos)
      << error.what();
  if (last > 0) {
    EXPECT_NE(error.message().find("rank " + std::to_string(last)), std::string::npos);
  }
  expect_same_on_all_ranks(*world, error.what());
  EXPECT_EQ(first, 2);
  EXPECT_EQ(noise->state, (std::vector<std::int64_t>{9, 9, 9}));

  const auto report = checkpoint.restore(path, {.allow_partial = true});
  EXPECT_EQ(first, 1);
  EXPECT_EQ(noise->state, (std::vector<std::int64_t>{9, 9, 9}));
  EXPECT_EQ(report.objects.at(0).result, cp::ObjectResult::exact);
  EXPECT_EQ(report.objects.at(1).result, cp::ObjectResult::refused);
  EXPECT_EQ(report.objects.at(1).reason, "is busy");
  expect_same_on_all_ranks(*world, report.to_string());
}

inline void foreign_exceptions_reach_all_ranks(const World& world, const std::string& folder) {
  const std::string path = folder + "/exceptions.h5";
  auto noise = std::make_shared<FakeGenerator>();
  cp::Checkpoint checkpoint(world, {{"noise", noise}});
  checkpoint.save(path);
  const bool last = world->rank() == world->size() - 1;
  for (const bool partial : {false, true}) {
    noise->on_prepare = [&] {
      if (last) throw std::bad_alloc();
    };
    EXPECT_EQ(error_of([&] { checkpoint.restore(path, {.allow_partial = partial}); }).code(),
              cp::ErrorCode::resource_exhausted);
    noise->on_prepare = [&] {
      if (last) throw std::runtime_error("seventeen");
    };
    const cp::Error error = error_of([&] { checkpoint.restore(path, {.allow_partial = partial}); });
    EXPECT_EQ(error.code(), cp::ErrorCode::internal);
    EXPECT_NE(error.message().find("seventeen"), std::string::npos) << error.what();
  }
}

inline void divergence_stops_a_save(const World& world, const std::string& folder) {
  const std::string path = folder + "/diverged.h5";
  auto noise = std::make_shared<FakeGenerator>();
  cp::Checkpoint checkpoint(world, {{"noise", noise}});
  checkpoint.save(path);
  const std::string before = read_file(path);
  noise->state = {4, 5, 6};
  if (world->rank() == world->size() - 1) {
    noise->on_ensure = [] { throw cp::Error(cp::ErrorCode::diverged, "replica 3 is ahead"); };
  }
  const cp::Error error = error_of([&] { checkpoint.save(path); });
  EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
  EXPECT_NE(error.message().find("object 'noise': replica 3 is ahead"), std::string::npos);
  expect_same_on_all_ranks(*world, error.what());
  EXPECT_EQ(read_file(path), before);
}

inline void failing_writes_reach_all_ranks(const World& world, const std::string& folder) {
  std::int64_t step = 1;
  cp::Checkpoint checkpoint(world, {{"step", step}});
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/absent/a.h5"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find(folder + "/absent/a.h5"), std::string::npos) << error.what();
  expect_same_on_all_ranks(*world, error.what());
}

// Every bad file gives its code, on every rank, and changes nothing.
inline void bad_files(const World& world, const std::string& folder) {
  auto noise = std::make_shared<FakeGenerator>();
  std::int64_t step = 1;
  const std::string good = folder + "/good.h5";
  cp::Checkpoint checkpoint(world, {{"noise", noise}, {"step", step}});
  checkpoint.save(good);
  const std::string bytes = read_file(good);

  if (world->rank() == 0) {
    write_file(folder + "/empty.h5", "");
    write_file(folder + "/one.h5", bytes.substr(0, 1));
    write_file(folder + "/header.h5", bytes.substr(0, 512));
    write_file(folder + "/truncated.h5", bytes.substr(0, bytes.size() - 1));
    write_file(folder + "/longer.h5", bytes + "x");
    write_file(folder + "/foreign.h5", "PK\3\4" + bytes.substr(4));
    std::string flipped = bytes;
    flipped[bytes.size() / 2] ^= 1;
    write_file(folder + "/flipped.h5", flipped);
    flipped = bytes;
    flipped[100] ^= 1;
    write_file(folder + "/flipped_header.h5", flipped);
    std::filesystem::create_directory(folder + "/folder.h5");
    std::filesystem::create_symlink(good, folder + "/link.h5");
  }
  world->barrier();
  // What is there and is no regular file is not replaced either.
  for (const char* name : {"/folder.h5", "/link.h5"}) {
    const std::string path = folder + name;
    const cp::Error error = error_of([&] { cp::Checkpoint(world, {{"step", step}}).save(path); });
    EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition) << error.what();
    EXPECT_NE(error.message().find("no regular file"), std::string::npos) << error.what();
  }
  double another = 0;
  cp::Tensor floats(cp::DType::f32, {3});
  cp::Checkpoint(world, {{"step", step}}).save(folder + "/absent_object.h5");
  cp::Checkpoint(world, {{"noise", another}, {"step", step}}).save(folder + "/other_type.h5");
  cp::Checkpoint(world, {{"noise", noise}, {"step", another}}).save(folder + "/other_element.h5");
  FakeObject threefry(noise->save());
  threefry.saved.attributes["algorithm"] = "threefry";
  cp::Checkpoint(world, {{"noise", std::make_shared<FakeObject>(threefry)}, {"step", step}})
      .save(folder + "/other_algorithm.h5");

  struct Row {
    const char* file;
    cp::ErrorCode code;
    const char* words;
  };
  const std::array rows = {
      Row{"missing.h5", cp::ErrorCode::not_found, "no such file"},
      Row{"empty.h5", cp::ErrorCode::data_loss, "empty"},
      Row{"one.h5", cp::ErrorCode::data_loss, "not a checkpoint"},
      Row{"header.h5", cp::ErrorCode::data_loss, "truncated to 512"},
      Row{"truncated.h5", cp::ErrorCode::data_loss, "truncated"},
      Row{"longer.h5", cp::ErrorCode::data_loss, "were written"},
      Row{"foreign.h5", cp::ErrorCode::data_loss, "not a checkpoint"},
      Row{"flipped.h5", cp::ErrorCode::data_loss, "damaged"},
      Row{"flipped_header.h5", cp::ErrorCode::data_loss, "damaged"},
      Row{"folder.h5", cp::ErrorCode::data_loss, "regular file"},
      Row{"link.h5", cp::ErrorCode::data_loss, "symbolic link"},
      Row{"absent_object.h5", cp::ErrorCode::not_found, "no object 'noise'"},
      Row{"other_type.h5", cp::ErrorCode::invalid_argument, "object 'noise' holds a number"},
      Row{"other_element.h5", cp::ErrorCode::invalid_argument, "object 'step'"},
      Row{"other_algorithm.h5", cp::ErrorCode::invalid_argument, "another algorithm"},
  };
  noise->state = {7, 7, 7};
  step = 5;
  world->barrier();
  for (const Row& row : rows) {
    const std::string path = folder + "/" + row.file;
    const cp::Error error = error_of([&] { checkpoint.restore(path); });
    EXPECT_EQ(error.code(), row.code) << error.what();
    EXPECT_NE(error.message().find(row.words), std::string::npos) << error.what();
    EXPECT_NE(error.message().find(path), std::string::npos) << error.what();
    expect_same_on_all_ranks(*world, error.what());
    EXPECT_EQ(noise->state, (std::vector<std::int64_t>{7, 7, 7})) << row.file;
    EXPECT_EQ(step, 5) << row.file;
  }
  checkpoint.restore(good);
  EXPECT_EQ(step, 1);
}

inline void partial_restore(const World& world, const std::string& folder) {
  const std::string path = folder + "/partial.h5";
  std::int64_t kept = 3;
  std::int64_t extra = 4;
  cp::Checkpoint(world, {{"kept", kept}, {"extra", extra}}).save(path);
  kept = 0;
  std::int64_t absent = 6;
  cp::Checkpoint checkpoint(world, {{"absent", absent}, {"kept", kept}});
  const auto report = checkpoint.restore(path, {.allow_partial = true});
  EXPECT_EQ(kept, 3);
  EXPECT_EQ(absent, 6);
  ASSERT_EQ(report.objects.size(), 2u);
  EXPECT_EQ(report.objects[0].result, cp::ObjectResult::absent);
  EXPECT_EQ(report.objects[1].result, cp::ObjectResult::exact);
  EXPECT_EQ(report.unused, (std::vector<std::string>{"extra"}));
}

inline void different_calls_are_named(const World& world, const std::string& folder) {
  if (world->size() == 1) return;
  std::int64_t step = 1;
  const std::string name = world->rank() == 0 ? "step" : "stride";
  cp::Checkpoint checkpoint(world, {{name, step}});
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/different.h5"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find("'stride'"), std::string::npos) << error.what();
  EXPECT_FALSE(std::filesystem::exists(folder + "/different.h5"));
}

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
  EXPECT_NE(report.skipped[0].reason.find("truncated"), std::string::npos);
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

inline constexpr std::array all_cases = {
    NamedCase{"round_trip", round_trip},
    NamedCase{"another_replica_count_is_derived", another_replica_count_is_derived},
    NamedCase{"one_rank_refuses", one_rank_refuses},
    NamedCase{"foreign_exceptions_reach_all_ranks", foreign_exceptions_reach_all_ranks},
    NamedCase{"divergence_stops_a_save", divergence_stops_a_save},
    NamedCase{"failing_writes_reach_all_ranks", failing_writes_reach_all_ranks},
    NamedCase{"bad_files", bad_files},
    NamedCase{"partial_restore", partial_restore},
    NamedCase{"different_calls_are_named", different_calls_are_named},
    NamedCase{"manager_keeps_and_restores", manager_keeps_and_restores},
    NamedCase{"manager_steps_past_damage", manager_steps_past_damage},
    NamedCase{"two_managers_refuse_each_other", two_managers_refuse_each_other},
};

}  // namespace checkpoint_tests
