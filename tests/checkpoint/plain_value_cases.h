// What a save does with values that no strategy keeps in step, on any number of ranks: a file holds
// rank 0's, so they must be everybody's.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/collective_case.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/generator.h"

namespace checkpoint_tests {

struct Plain {
  std::int64_t epoch = 3;
  double loss = 0.5;
  cp::Generator init = cp::Generator::from_seed(1);
  cp::Tensor mean = cp::Tensor(cp::DType::f32, {3000});
  cp::NamedObjects members() {
    return {{"epoch", epoch}, {"loss", loss}, {"init", init}, {"mean", mean}};
  }
};

// Both ways of saving `plain` refuse on every rank, and leave the files that are there.
inline void expect_diverged(const World& world, Plain& plain, const std::string& folder,
                            const std::string& want) {
  const std::string path = folder + "/plain.h5";
  cp::Checkpoint checkpoint(world, {{"model", plain}});
  cp::CheckpointManager manager(world, folder + "/plain", {{"model", plain}});
  const std::string before = read_file(path);
  const cp::Error errors[] = {error_of([&] { checkpoint.save(path); }),
                              error_of([&] { manager.save_async(1); })};
  for (const cp::Error& error : errors) {
    EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
    EXPECT_NE(error.message().find(want), std::string::npos) << error.what() << "; wanted " << want;
    EXPECT_NE(error.message().find("a checkpoint holds rank 0's for all"), std::string::npos);
    expect_same_on_all_ranks(*world, error.what());
  }
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(manager.restore_latest(), 0);
}

inline void plain_values_that_differ_stop_a_save(const World& world, const std::string& folder) {
  const int last = world->size() - 1;
  const bool is_last = world->rank() == last;
  const std::string on_last = " on rank " + std::to_string(last);
  Plain plain;
  cp::Checkpoint(world, {{"model", plain}}).save(folder + "/plain.h5");
  world->barrier();
  if (last == 0) return;
  const auto expect = [&](const std::string& want) {
    expect_diverged(world, plain, folder, want);
    plain = {};
  };

  if (is_last) plain.loss = 0.75;
  expect("number 'model/loss' is 0.5 on rank 0, but 0.75" + on_last);
  if (is_last) (void)plain.init.normal<float>({3});
  expect("generator 'model/init' is philox [1, 0, 0] on rank 0, but philox [769, 0, 0]" + on_last);
  for (const std::size_t element : {0, 1234, 2999}) {
    if (is_last) std::ranges::fill(plain.mean.values<float>().subspan(element), 0.25F);
    expect("tensor 'model/mean' has 0 in element " + std::to_string(element) +
           " on rank 0, but 0.25" + on_last);
  }
  if (is_last) plain.mean.values<float>()[7] = -0.0F;
  expect("tensor 'model/mean' has 0 in element 7 on rank 0, but -0" + on_last);
  if (is_last) plain.mean = cp::Tensor(cp::DType::f32, {30, 100});
  expect("tensor 'model/mean' is f32 [3000] on rank 0, but f32 [30, 100]" + on_last);
}

// Rank 1 differs in an element, and the last in what leaves it no elements to be compared.
inline void differences_of_several_ranks_stop_a_save(const World& world,
                                                     const std::string& folder) {
  const int last = world->size() - 1;
  if (last < 2) return;
  for (const bool is_shape : {true, false}) {
    cp::Tensor tensor(cp::DType::f32, {world->rank() == last && is_shape ? 2 : 4});
    if (world->rank() == 1) tensor.values<float>()[3] = 1;
    std::int64_t number = 1;
    const bool is_number = world->rank() == last && !is_shape;
    cp::Checkpoint checkpoint(
        world, {is_number ? cp::NamedObject("x", number) : cp::NamedObject("x", tensor)});
    const cp::Error error = error_of([&] { checkpoint.save(folder + "/several.h5"); });
    EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
    const std::string want = is_shape ? "tensor 'x' is f32 [4] on rank 0, but f32 [2] on rank "
                                      : "rank 0 saves tensor 'x', but rank ";
    EXPECT_NE(error.message().find(want + std::to_string(last)), std::string::npos) << error.what();
    expect_same_on_all_ranks(*world, error.what());
  }
}

// A type of the user's may save numbers of any type.
inline void numbers_of_any_type_are_compared(const World& world, const std::string& folder) {
  struct Rate final : cp::Saveable {
    cp::SavedObject save() const override {
      cp::SavedObject saved{.type = "number", .attributes = {}, .values = {}, .members = {}};
      saved.values.emplace("value", cp::Tensor::scalar<float>(rate));
      return saved;
    }
    std::unique_ptr<cp::PendingRestore> prepare(const cp::SavedObject& /*saved*/) override {
      return nullptr;
    }
    float rate = 0.5F;
  };
  const auto rate = std::make_shared<Rate>();
  cp::Checkpoint checkpoint(world, {{"rate", rate}});
  EXPECT_GT(checkpoint.save(folder + "/rate.h5").bytes, 0u);
  if (world->size() == 1) return;
  if (world->rank() == world->size() - 1) rate->rate = 0.25F;
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/rate.h5"); });
  EXPECT_NE(error.message().find("number 'rate' is 0.5 on rank 0, but 0.25"), std::string::npos)
      << error.what();
}

inline void other_objects_than_rank_0_stop_a_save(const World& world, const std::string& folder) {
  if (world->size() == 1) return;
  struct Model {
    bool is_longer = false;
    std::int64_t a = 1;
    std::int64_t b = 2;
    cp::NamedObjects members() {
      return is_longer ? cp::NamedObjects{{"a", a}, {"b", b}} : cp::NamedObjects{{"a", a}};
    }
  } model{.is_longer = world->rank() == world->size() - 1};
  cp::Checkpoint checkpoint(world, {{"model", model}});
  const cp::Error error = error_of([&] { checkpoint.save(folder + "/others.h5"); });
  EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
  EXPECT_NE(error.message().find("saves number 'model/b'"), std::string::npos) << error.what();
  expect_same_on_all_ranks(*world, error.what());
}

// Saved in the background, each value is read once, compared and copied: what the file holds is
// right.
inline void plain_values_that_are_alike_are_saved(const World& world, const std::string& folder) {
  Plain plain;
  cp::Tensor empty(cp::DType::f64, {0});
  const auto iota = [](cp::Tensor& tensor) {
    float next = 0;
    for (float& value : tensor.values<float>()) value = next++;
  };
  iota(plain.mean);
  (void)plain.init.normal<float>({3});
  cp::CheckpointManager manager(world, folder + "/alike",
                                {{"model", plain}, {"same", plain.mean}, {"empty", empty}});
  for (const std::int64_t step : {1, 2}) {
    manager.save_async(step);
    plain.mean.values<float>()[5] = -1;  // the copy counts
    manager.wait();
    EXPECT_EQ(manager.restore_latest(), step);
    EXPECT_EQ(plain.mean.values<float>()[5], 5);
    EXPECT_EQ(plain.mean.values<float>()[2999], 2999);
    const cp::Tensor state = plain.init.state();
    EXPECT_EQ(state.values<std::int64_t>()[0], 769);
  }
}

// What a type of the user's own holds may differ, as may a generator of a strategy, which keeps its
// own copies in step.
inline void others_values_are_not_compared(const World& world, const std::string& folder) {
  cp::SavedObject own{.type = "queue", .attributes = {}, .values = {}, .members = {}};
  own.values.emplace("value", cp::Tensor::scalar<std::int64_t>(world->rank()));
  const auto queue = std::make_shared<FakeObject>(own);
  const auto mirrored =
      std::make_shared<FakeGenerator>(std::vector<std::int64_t>{world->rank(), 0, 0}, 2);
  cp::Checkpoint checkpoint(world, {{"queue", queue}, {"mirrored", mirrored}});
  const std::string path = folder + "/not_compared.h5";
  checkpoint.save(path);
  checkpoint.restore(path);
  EXPECT_EQ(queue->saved.values.at("value").item<std::int64_t>(), 0);
}

}  // namespace checkpoint_tests
