// Objects that a checkpoint can hold: what they save, and a restore that is prepared before it
// happens.
#include "counterpoint/runtime/saveable.h"

#include <gtest/gtest.h>

#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

struct Model {
  Generator noise = Generator::from_seed(4);
  std::int64_t step = 7;
  Tensor curve = Tensor::from<float>({1, 2}, {2});

  NamedObjects members() { return {{"noise", noise}, {"step", step}, {"curve", curve}}; }
};

TEST(Saveable, NothingChangesBeforeCommit) {
  auto a = Generator::from_seed(5);
  auto b = Generator::from_seed(6);
  const SavedObject saved = a.saveable()->save();
  auto pending = b.saveable()->prepare(saved);
  EXPECT_EQ(b.state().item<std::int64_t>(0), 6);
  pending->commit();
  EXPECT_EQ(b.state().item<std::int64_t>(0), 5);
  EXPECT_EQ(pending->outcome(), RestoreOutcome::exact);
}

TEST(Saveable, ADroppedRestoreLeavesTheObject) {
  auto a = Generator::from_seed(5);
  auto b = Generator::from_seed(6);
  b.saveable()->prepare(a.saveable()->save()).reset();
  EXPECT_EQ(b.state().item<std::int64_t>(0), 6);
}

TEST(Saveable, MembersNest) {
  Model model;
  const NamedObject object("model", model);
  const SavedObject saved = object.object->save();
  EXPECT_EQ(saved.members.at("step").values.at("value").item<std::int64_t>(), 7);
  Model other;
  other.step = 0;
  other.curve = Tensor::from<float>({}, {0});
  other.noise.reset_from_seed(99);
  const NamedObject into("model", other);
  into.object->prepare(saved)->commit();
  EXPECT_EQ(other.step, 7);
  EXPECT_EQ(other.curve.shape(), Shape{2}) << "a plain tensor takes the saved shape";
  EXPECT_EQ(other.noise.state().item<std::int64_t>(0), 4);
}

TEST(Saveable, RefusalsSayWhatDiffers) {
  auto generator = Generator::from_seed(1);
  Tensor tensor(DType::f32, {2});
  std::int64_t number = 1;
  const SavedObject of_generator = generator.saveable()->save();
  const SavedObject of_tensor = saveable_tensor(tensor)->save();
  expect_error(ErrorCode::invalid_argument, {"tensor", "generator"},
               [&] { generator.saveable()->prepare(of_tensor); });
  expect_error(ErrorCode::invalid_argument, {"generator", "tensor"},
               [&] { saveable_tensor(tensor)->prepare(of_generator); });
  expect_error(ErrorCode::invalid_argument, {"tensor", "number"},
               [&] { saveable_number(number)->prepare(of_tensor); });
  Tensor doubles(DType::f64, {2});
  expect_error(ErrorCode::invalid_argument, {"f32", "f64"},
               [&] { saveable_tensor(doubles)->prepare(of_tensor); });
  SavedObject threefry = of_generator;
  threefry.attributes["algorithm"] = std::string("threefry");
  expect_error(ErrorCode::invalid_argument, {"threefry", "philox"},
               [&] { generator.saveable()->prepare(threefry); });
  SavedObject short_state = of_generator;
  short_state.values.at("state") = Tensor(DType::i64, {2});
  expect_error(ErrorCode::invalid_argument, {"3 words", "2"},
               [&] { generator.saveable()->prepare(short_state); });
  SavedObject no_count = of_generator;
  no_count.attributes["replicas"] = std::int64_t{-5};
  expect_error(ErrorCode::invalid_argument, {"-5 replicas"},
               [&] { generator.saveable()->prepare(no_count); });
  no_count.attributes["replicas"] = std::string("many");
  expect_error(ErrorCode::invalid_argument, {"many replicas"},
               [&] { generator.saveable()->prepare(no_count); });
  no_count.attributes["replicas"] = std::int64_t{2};
  no_count.values.emplace("replica_states", Tensor(DType::i64, {3, 3}));
  expect_error(ErrorCode::invalid_argument, {"2 replicas", "3 of them"},
               [&] { generator.saveable()->prepare(no_count); });
  Model model;
  SavedObject no_step = NamedObject("model", model).object->save();
  no_step.members.erase("step");
  expect_error(ErrorCode::not_found, {"step"},
               [&] { NamedObject("model", model).object->prepare(no_step); });
}

}  // namespace
}  // namespace counterpoint
