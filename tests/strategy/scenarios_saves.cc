// What a difference does to saves, by choice: they throw, or hold every replica's state.
#include <gtest/gtest.h>

#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "counterpoint/runtime/saveable.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

void stops_at_saves(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::stop_at_saves));
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

// Equal calls may assign different values; a save compares those, unless told not to.
void values_that_differ(const World& world, int replicas_per_rank) {
  for (const bool compared : {true, false}) {
    StrategyOptions options = quiet_options(replicas_per_rank);
    options.compare_values_at_saves = compared;
    MirroredStrategy strategy(world, options);
    const auto scope = strategy.scope();
    auto weights = strategy.variable<float>({1000}, "weights");
    weights.saveable()->ensure_in_step();
    strategy.run([&](ReplicaContext& replica) {
      std::vector<float> values(1000, 0.5F);
      if (is_last(replica)) values[700] = 0.25F;
      weights.assign(values);
    });
    strategy.check();
    if (strategy.num_replicas_in_sync() > 1 && compared) {
      expect_error(ErrorCode::diverged,
                   {"variable 'weights'", " has 0.5 in element 700; ", " has 0.25 in element 700",
                    "yet they made the same calls"},
                   [&] { weights.saveable()->ensure_in_step(); });
    } else {
      weights.saveable()->ensure_in_step();
    }
    strategy.run([](ReplicaContext&) {});
    EXPECT_FALSE(strategy.any(false)) << "training may go on, and mend it";
  }
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  const auto scope = strategy.scope();
  auto weights = strategy.variable<float>({10}, "weights");
  strategy.run([&](ReplicaContext& replica) {
    weights.assign(std::vector<float>(10, static_cast<float>(replica.replica_id())));
  });
  weights.saveable()->ensure_in_step();
  EXPECT_EQ(strategy.num_divergences(), strategy.num_replicas_in_sync() > 1 ? 1 : 0);
  const auto values = strategy.run([&](ReplicaContext&) { return weights.values<float>()[3]; });
  for (const float value : values) EXPECT_EQ(value, 0.0F);
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
  const StrategyOptions options = quiet_options(replicas_per_rank, OnDivergence::save_all);
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

std::string here(const std::source_location& location) {
  return " at scenarios_saves.cc:" + std::to_string(location.line());
}

// What differs is named by the line of the save or restore, not by where the object was made; through
// objects that have members, too.
void named_by_the_line_of_the_call(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  for (const bool saves : {true, false}) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    auto weights = strategy.variable<float>({2}, "weights");
    const auto both = saveable_members({{"noise", noise}, {"weights", weights}});
    const auto line = std::source_location::current();
    expect_error(
        ErrorCode::diverged,
        {"on rank 1, at " + std::string(saves ? "save" : "restore") + " u64 []" + here(line)}, [&] {
          if (world->rank() != 1) {
            (void)strategy.any(false);
          } else if (saves) {
            both->ensure_in_step(line);
          } else {
            both->begin_restore(line);
          }
        });
  }
  // In the log as well: one rank restores another object than the rest.
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  auto weights = strategy.variable<float>({2}, "weights");
  const auto line = std::source_location::current();
  const auto object = world->rank() == 1 ? weights.saveable() : noise.saveable();
  const SavedObject saved = object->save();
  object->begin_restore(line);
  object->prepare(saved)->commit();
  expect_error(ErrorCode::diverged,
               {"of generator 'noise'" + here(line), "of variable 'weights'" + here(line)},
               [&] { strategy.check(); });
}

}  // namespace

std::vector<Scenario> save_scenarios() {
  return {{"stops_at_saves", stops_at_saves},
          {"named_by_the_line_of_the_call", named_by_the_line_of_the_call},
          {"values_that_differ", values_that_differ},
          {"saves_all", saves_all}};
}

}  // namespace counterpoint
