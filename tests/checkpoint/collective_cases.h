// What must hold of saves and restores for any number of ranks, and the list of all such cases.
#pragma once

#include <array>
#include <span>
#include <string>

#include "checkpoint/bad_file_cases.h"
#include "checkpoint/collective_case.h"
#include "checkpoint/manager_cases.h"
#include "checkpoint/plain_value_cases.h"
#include "counterpoint/checkpoint/checkpoint.h"

namespace checkpoint_tests {

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
  EXPECT_NE(report.to_string().find("noise: derived (from 2 replicas, now 3)"), std::string::npos)
      << report.to_string();
  EXPECT_EQ(three->state, two->state);
  struct Model {
    std::shared_ptr<FakeGenerator> noise;
    cp::NamedObjects members() { return {{"noise", noise}}; }
  } outside{std::make_shared<FakeGenerator>(std::vector<std::int64_t>{1, 2, 3}, 0)}, inside{three};
  cp::Checkpoint(world, {{"model", outside}}).save(path);
  EXPECT_EQ(cp::Checkpoint(world, {{"model", inside}}).restore(path).objects.at(0).reason,
            "noise from outside of a strategy, now 3 replicas");
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

// As strategies do, whose errors are one but for the file that each rank has written.
inline void what_ranks_say_alike_is_said_once(const World& world, const std::string& folder) {
  auto noise = std::make_shared<FakeGenerator>();
  cp::Checkpoint checkpoint(world, {{"noise", noise}});
  noise->on_ensure = [&] {
    throw cp::Error(cp::ErrorCode::diverged,
                    "calls differ; at a.cc:1; see file-" + std::to_string(world->rank()));
  };
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/never.h5"); });
  std::string expected = "object 'noise': calls differ; at a.cc:1; see file-0";
  for (int rank = 1; rank < world->size(); ++rank) {
    expected += "; rank " + std::to_string(rank) + ": see file-" + std::to_string(rank);
  }
  EXPECT_EQ(error.message(), expected);
}

inline void failing_writes_reach_all_ranks(const World& world, const std::string& folder) {
  std::int64_t step = 1;
  cp::Checkpoint checkpoint(world, {{"step", step}});
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/absent/a.h5"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::failed_precondition);
  EXPECT_NE(error.message().find(folder + "/absent/a.h5"), std::string::npos) << error.what();
  expect_same_on_all_ranks(*world, error.what());
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

inline constexpr std::array all_cases = {
    NamedCase{"round_trip", round_trip},
    NamedCase{"another_replica_count_is_derived", another_replica_count_is_derived},
    NamedCase{"one_rank_refuses", one_rank_refuses},
    NamedCase{"foreign_exceptions_reach_all_ranks", foreign_exceptions_reach_all_ranks},
    NamedCase{"divergence_stops_a_save", divergence_stops_a_save},
    NamedCase{"what_ranks_say_alike_is_said_once", what_ranks_say_alike_is_said_once},
    NamedCase{"plain_values_that_differ_stop_a_save", plain_values_that_differ_stop_a_save},
    NamedCase{"differences_of_several_ranks_stop_a_save", differences_of_several_ranks_stop_a_save},
    NamedCase{"numbers_of_any_type_are_compared", numbers_of_any_type_are_compared},
    NamedCase{"other_objects_than_rank_0_stop_a_save", other_objects_than_rank_0_stop_a_save},
    NamedCase{"plain_values_that_are_alike_are_saved", plain_values_that_are_alike_are_saved},
    NamedCase{"others_values_are_not_compared", others_values_are_not_compared},
    NamedCase{"failing_writes_reach_all_ranks", failing_writes_reach_all_ranks},
    NamedCase{"bad_files", bad_files},
    NamedCase{"partial_restore", partial_restore},
    NamedCase{"different_calls_are_named", different_calls_are_named},
    NamedCase{"manager_keeps_and_restores", manager_keeps_and_restores},
    NamedCase{"manager_steps_past_damage", manager_steps_past_damage},
    NamedCase{"two_managers_refuse_each_other", two_managers_refuse_each_other},
};

}  // namespace checkpoint_tests
