// Values that no strategy keeps in step, beside a strategy: turns leave every rank the same copy of
// a generator made outside, and what a strategy made goes by its own rules.
#include <vector>

#include "checkpoint/support.h"
#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace checkpoint_tests {
namespace {

TEST(PlainValues, OfAGeneratorDrawnInTurnsAreAlike) {
  for (const cp::Turns turns : {cp::Turns::agreed, cp::Turns::assumed_equal}) {
    const TemporaryFolder folder;
    on_thread_ranks(2, [&](const auto& world) {
      auto outside = cp::Generator::from_seed(1, {.name = "outside"});
      cp::MirroredStrategy strategy(
          world, {.replicas_per_rank = 2, .turns = turns, .last_calls_folder = ""});
      cp::Checkpoint checkpoint(world, {{"outside", outside}});
      for (int i = 0; i < 3; ++i) {
        strategy.run([&](cp::ReplicaContext&) { (void)outside.template normal<float>({2}); });
        checkpoint.save(folder / "a.h5");
      }
      const cp::Tensor state = outside.state();
      EXPECT_EQ(state.values<std::int64_t>()[0], 1 + 3 * 4 * 2 * 256);
    });
  }
}

TEST(PlainValues, AreNoneOfAStrategysOwn) {
  for (const cp::OnDivergence policy :
       {cp::OnDivergence::save_all, cp::OnDivergence::adopt_first, cp::OnDivergence::stop}) {
    const TemporaryFolder folder;
    on_thread_ranks(2, [&](const auto& world) {
      cp::MirroredStrategy strategy(world,
                                    {.replicas_per_rank = 2,
                                     .on_divergence = policy,
                                     .compare_values_at_saves = policy != cp::OnDivergence::stop,
                                     .last_calls_folder = ""});
      const auto scope = strategy.scope();
      auto noise = cp::Generator::from_seed(1, {.name = "noise"});
      auto weights = strategy.template variable<float>({2}, "weights");
      strategy.run([&](cp::ReplicaContext& replica) {
        weights.assign(std::vector<float>(2, static_cast<float>(replica.replica_id())));
        const bool may_differ = policy != cp::OnDivergence::stop;
        if (!may_differ || replica.replica_id() == 3) (void)noise.template normal<float>({2});
      });
      EXPECT_GT(cp::Checkpoint(world, {{"noise", noise}, {"weights", weights}})
                    .save(folder / "a.h5")
                    .bytes,
                0u);
    });
  }
}

// A plain generator beside them is compared all the same.
TEST(PlainValues, AreComparedBesideAStrategy) {
  const TemporaryFolder folder;
  on_thread_ranks(2, [&](const auto& world) {
    auto init = cp::Generator::from_seed(1);
    cp::MirroredStrategy strategy(
        world, {.on_divergence = cp::OnDivergence::save_all, .last_calls_folder = ""});
    const auto scope = strategy.scope();
    auto noise = cp::Generator::from_seed(1);
    if (world->rank() == 1) (void)init.template normal<float>({3});
    cp::Checkpoint checkpoint(world, {{"noise", noise}, {"init", init}});
    const cp::Error error = error_of([&] { checkpoint.save(folder / "a.h5"); });
    EXPECT_EQ(error.code(), cp::ErrorCode::diverged);
    EXPECT_NE(error.message().find("generator 'init' is philox [1, 0, 0] on rank 0"),
              std::string::npos)
        << error.what();
  });
}

}  // namespace
}  // namespace checkpoint_tests
