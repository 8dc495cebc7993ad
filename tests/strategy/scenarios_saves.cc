// What a difference does to saves, by choice: they throw, or hold every replica's state.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/saveable.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenarios.h"

namespace counterpoint {
namespace {

using World = std::shared_ptr<Communicator>;

std::vector<std::int64_t> words(const Generator& generator) {
  const Tensor state = generator.state();
  const auto values = state.values<std::int64_t>();
  return {values.begin(), values.end()};
}

bool is_last(const ReplicaContext& replica) {
  return replica.replica_id() == replica.num_replicas_in_sync() - 1;
}

void stops_at_saves(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank,
                                    .timeout_seconds = 60,
                                    .on_divergence = OnDivergence::stop_at_saves});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  auto weights = strategy.variable<float>({2}, "weights");
  const auto uneven = [&](bool odd_draws) {
    strategy.run([&](ReplicaContext& replica) {
      if (is_last(replica) == odd_draws) (void)noise.normal<float>({2});
    });
  };
  uneven(true);
  EXPECT_FALSE(strategy.any(false)) << "runs and collectives go on";
  weights.saveable()->ensure_in_step();
  if (strategy.num_replicas_in_sync() > 1) {
    expect_error(ErrorCode::diverged, {"generator 'noise'", "normal f32 [2]"},
                 [&] { noise.saveable()->ensure_in_step(); });
    expect_error(ErrorCode::diverged, {"normal f32 [2]"}, [&] { strategy.check(); });
  }
  // States that are alike again may be saved, whatever led there.
  uneven(false);
  noise.saveable()->ensure_in_step();
  strategy.run([&](ReplicaContext& replica) {
    if (is_last(replica)) weights.assign_add(std::vector<float>{0, 1});
  });
  if (strategy.num_replicas_in_sync() > 1) {
    expect_error(ErrorCode::diverged, {"variable 'weights'"},
                 [&] { weights.saveable()->ensure_in_step(); });
  }
  noise.saveable()->ensure_in_step();
}

struct Trained {
  std::vector<float> drawn;
  std::vector<float> values;

  friend bool operator==(const Trained&, const Trained&) = default;
};

Trained draw_once_more(MirroredStrategy& strategy, Generator& noise, MirroredVariable& weights) {
  const auto drawn =
      strategy.run([&](ReplicaContext&) { return noise.normal<float>({}).item<float>(); });
  const auto values = strategy.run([&](ReplicaContext&) { return weights.values<float>()[1]; });
  return {strategy.gather(drawn), strategy.gather(values)};
}

void saves_all(const World& world, int replicas_per_rank) {
  const StrategyOptions options{.replicas_per_rank = replicas_per_rank,
                                .timeout_seconds = 60,
                                .on_divergence = OnDivergence::save_all};
  // What rank 0 would write and all would read: the same on every rank, since all gather it.
  std::vector<SavedObject> saved;
  Trained want;
  {
    MirroredStrategy strategy(world, options);
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    auto weights = strategy.variable<float>({2}, "weights");
    const auto save = [&] {
      std::vector<SavedObject> objects;
      for (const auto& object : {noise.saveable(), weights.saveable()}) {
        object->ensure_in_step();
        objects.push_back(object->save());
      }
      return objects;
    };
    saved = save();
    EXPECT_FALSE(saved[0].values.contains("replica_states")) << "alike, they are saved as one";
    EXPECT_FALSE(saved[1].values.contains("replica_values"));
    strategy.run([&](ReplicaContext& replica) {
      for (int i = 0; i < replica.replica_id(); ++i) (void)noise.normal<float>({3});
      weights.assign(std::vector<float>{1, static_cast<float>(replica.replica_id())});
    });
    saved = save();
    want = draw_once_more(strategy, noise, weights);
    if (strategy.num_replicas_in_sync() == 1) return;
    ASSERT_TRUE(saved[0].values.contains("replica_states"));
    EXPECT_EQ(saved[0].values.at("replica_states").shape(),
              (Shape{strategy.num_replicas_in_sync(), 3}));
    ASSERT_TRUE(saved[1].values.contains("replica_values"));
  }
  const auto restore_into = [&](const StrategyOptions& other, bool fits) {
    MirroredStrategy strategy(world, other);
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(7, {.name = "noise"});
    auto weights = strategy.variable<float>({2}, "weights");
    const std::shared_ptr<Saveable> objects[] = {noise.saveable(), weights.saveable()};
    for (std::size_t i = 0; i < 2; ++i) {
      objects[i]->begin_restore();
      if (fits) {
        const auto pending = objects[i]->prepare(saved[i]);
        EXPECT_EQ(pending->outcome(), RestoreOutcome::exact);
        pending->commit();
      } else {
        expect_error(ErrorCode::failed_precondition, {"replicas that differ", "save_all"},
                     [&] { (void)objects[i]->prepare(saved[i]); });
      }
    }
    if (fits) {
      EXPECT_EQ(draw_once_more(strategy, noise, weights), want);
    } else {
      EXPECT_EQ(words(noise)[0], 7);
    }
  };
  restore_into(options, true);
  StrategyOptions larger = options;
  larger.replicas_per_rank += 1;
  restore_into(larger, false);
  StrategyOptions in_step = options;
  in_step.on_divergence = OnDivergence::stop;
  restore_into(in_step, false);
  auto outside = Generator::from_seed(7);
  expect_error(ErrorCode::failed_precondition, {"differ"},
               [&] { (void)outside.saveable()->prepare(saved[0]); });
}

}  // namespace

std::vector<Scenario> save_scenarios() {
  return {{"stops_at_saves", stops_at_saves}, {"saves_all", saves_all}};
}

}  // namespace counterpoint
