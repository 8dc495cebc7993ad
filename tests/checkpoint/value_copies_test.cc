// The copies that a save in the background is written from: values are read once, to be compared
// and copied, and what is saved is what was compared.
#include "counterpoint/checkpoint/internal/value_copies.h"

#include <algorithm>
#include <numeric>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/internal/fingerprint.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace checkpoint_tests {
namespace {

using Values = std::vector<float>;

constexpr std::int64_t many = 5'000'003;  // in several pieces

Values numbers(std::int64_t count, float from) {
  Values values(static_cast<std::size_t>(count));
  std::iota(values.begin(), values.end(), from);
  return values;
}

cp::Tensor tensor_of(const Values& values) {
  return cp::Tensor::from<float>(values, {static_cast<std::int64_t>(values.size())});
}

bool holds(const cp::Tensor& tensor, const Values& values) {
  return std::ranges::equal(tensor.values<float>(), values);
}

TEST(ValueCopies, ReadsForAFingerprintAndACopyAtOnce) {
  internal::ValueCopies copies;
  for (const float from : {1.0F, 2.0F}) {
    const std::vector<Values> values = {
        numbers(many, from), numbers(3, from), {}, numbers(many, -from)};
    std::vector<cp::Tensor> tensors(values.size());
    std::ranges::transform(values, tensors.begin(), tensor_of);
    copies.forget();
    for (std::size_t i = 0; i < 3; ++i) {
      const auto bytes = std::as_const(tensors[i]).bytes();
      EXPECT_EQ(copies.read(bytes), cp::fingerprint_of(bytes));
      EXPECT_EQ(copies.read(bytes), cp::fingerprint_of(bytes)) << "the second time";
    }
    // Those that were read are not read again.
    std::vector<cp::Tensor> saved;
    for (cp::Tensor& tensor : tensors) saved.push_back(cp::borrowed_tensor(tensor));
    for (std::size_t i = 0; i < 3; ++i) std::ranges::fill(tensors[i].values<float>(), 0.0F);
    std::vector<cp::Tensor*> pointers;
    for (cp::Tensor& tensor : saved) pointers.push_back(&tensor);
    copies.copy(pointers);
    std::ranges::fill(tensors[3].values<float>(), 0.0F);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(holds(saved[i], values[i])) << "value " << i;
    }
  }
}

TEST(ValueCopies, KeepsItsMemoryUntilMuchLessIsNeeded) {
  internal::ValueCopies copies;
  const auto place_of_copy = [&](std::int64_t count) {
    const cp::Tensor tensor = tensor_of(numbers(count, 1));
    copies.forget();
    copies.read(tensor.bytes());
    cp::Tensor saved = cp::borrowed_tensor(tensor);
    cp::Tensor* const pointer = &saved;
    copies.copy(std::span(&pointer, 1));
    EXPECT_TRUE(holds(saved, numbers(count, 1)));
    return std::as_const(saved).bytes().data();
  };
  const std::byte* const first = place_of_copy(many);
  EXPECT_EQ(place_of_copy(many), first);
  EXPECT_EQ(place_of_copy(many / 2), first);
  EXPECT_NE(place_of_copy(many + 1000), first) << "it does not fit";
  EXPECT_GT(copies.memory_bytes(), 2 * sizeof(float) * many);
  place_of_copy(3);
  place_of_copy(3);
  EXPECT_LT(copies.memory_bytes(), sizeof(float) * many);
}

TEST(ValueCopies, WithoutMemoryTheFingerprintIsThereAllTheSame) {
  internal::ValueCopies copies;
  const Values values = numbers(3, 1);
  const auto bytes = std::as_bytes(std::span(values));
  EXPECT_EQ(copies.read(bytes), cp::fingerprint_of(bytes));
  std::byte never_read{};
  cp::Tensor huge =
      cp::Tensor::adopt(cp::DType::f32, {std::int64_t{1} << 50}, {}, &never_read, nullptr);
  cp::Tensor small = cp::borrowed_tensor(tensor_of(values));
  const std::byte* const before = std::as_const(small).bytes().data();
  const std::vector<cp::Tensor*> tensors = {&small, &huge};
  EXPECT_EQ(error_of([&] { copies.copy(tensors); }).code(), cp::ErrorCode::resource_exhausted);
  EXPECT_EQ(std::as_const(small).bytes().data(), before) << "what failed changes nothing";
}

// Two ranks of two replicas, values of all kinds, and training that goes on at once.
TEST(AsyncSave, HoldsWhatRanksComparedWhateverTrainingDoesNext) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    cp::MirroredVariable large = strategy.variable<float>({many}, "large");
    cp::MirroredVariable small = strategy.variable<float>({3}, "small");
    cp::MirroredVariable empty = strategy.variable<float>({0}, "empty");
    cp::Tensor own = tensor_of(numbers(7, 0));
    cp::Generator noise = cp::Generator::from_seed(3);
    cp::CheckpointManager manager(world, folder / "run",
                                  {{"large", large},
                                   {"again", large},
                                   {"small", small},
                                   {"empty", empty},
                                   {"own", own},
                                   {"noise", noise}});
    const auto set = [&](float from) {
      large.assign(std::span<const float>(numbers(many, from)));
      small.assign(std::span<const float>(numbers(3, from)));
      std::ranges::copy(numbers(7, from), own.values<float>().begin());
    };
    for (const float from : {1.0F, 2.0F, 3.0F}) {
      set(from);
      manager.save_async(static_cast<std::int64_t>(from));
      set(100);
      manager.wait();
      set(200);
      EXPECT_EQ(manager.restore_latest(), static_cast<std::int64_t>(from));
      EXPECT_TRUE(holds(large.value(), numbers(many, from)));
      EXPECT_TRUE(holds(small.value(), numbers(3, from)));
      EXPECT_TRUE(holds(own, numbers(7, from)));
    }
  });
}

// What differs is neither saved nor remembered for the next save.
TEST(AsyncSave, RefusesValuesThatDifferAndSavesTheNextOnes) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const std::shared_ptr<cp::Communicator>& world) {
    cp::MirroredStrategy strategy(world, {});
    const auto scope = strategy.scope();
    cp::MirroredVariable weights = strategy.variable<float>({many}, "weights");
    cp::CheckpointManager manager(world, folder / "run", {{"weights", weights}});
    strategy.run([&](cp::ReplicaContext& replica) {
      weights.assign(std::span<const float>(numbers(many, replica.replica_id() == 0 ? 1 : 2)));
    });
    const cp::Error error = error_of([&] { manager.save_async(1); });
    EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
    EXPECT_NE(error.message().find("in element 0"), std::string::npos) << error.what();
    EXPECT_FALSE(std::filesystem::exists(manager.path_of(1)));
    weights.assign(std::span<const float>(numbers(many, 5)));
    manager.save_async(2);
    weights.assign(std::span<const float>(numbers(many, 6)));
    manager.wait();
    EXPECT_EQ(manager.restore_latest(), 2);
    EXPECT_TRUE(holds(weights.value(), numbers(many, 5)));
  });
}

}  // namespace
}  // namespace checkpoint_tests
