// What is compared later or assumed, and adopting the first replica's state where calls differ.
#include <gtest/gtest.h>

#include <vector>

#include "counterpoint/strategy/internal/strategy_core.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// The end of a run waits for nobody: a rank can go on to tell another one to begin its own.
void ends_without_waiting(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 20});
  for (int round = 0; round < 3; ++round) {
    if (world->rank() != 0) world->barrier();
    strategy.run([](ReplicaContext&) {});
    if (world->rank() == 0) world->barrier();
  }
  strategy.check();
}

// What was done otherwise in a run is named as of its end, whatever was called since.
void named_as_of_the_end(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  expect_error(
      ErrorCode::diverged,
      {"made only 2 calls", "call 2: normal f32 [3] of generator 'noise' at scenarios_policies.cc"},
      [&] {
        strategy.run([&](ReplicaContext& replica) {
          (void)noise.normal<float>({3});
          if (is_last(replica)) (void)noise.normal<float>({3});
        });
        strategy.run([&](ReplicaContext& replica) {
          (void)noise.normal<float>({3});  // as the one too many
          std::vector<float> values(1);
          replica.all_reduce(values, Reduce::sum);
        });
      });
}

void adopts_the_first(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  auto calm = Generator::from_seed(2, {.name = "calm"});
  auto weights = strategy.variable<float>({3}, "weights");
  expect_error(ErrorCode::failed_precondition, {"first"},
               [&] { (void)strategy.last_divergence(); });
  const auto run = [&](bool odd) {
    strategy.run([&](ReplicaContext& replica) {
      (void)noise.normal<float>({2});
      (void)calm.normal<float>({2});
      if (!odd || !is_last(replica)) return;
      (void)noise.normal<float>({5});
      weights.assign(std::vector<float>{1, 2, 3});
    });
  };
  run(false);
  strategy.check();
  EXPECT_EQ(strategy.num_divergences(), 0);
  run(true);
  strategy.check();
  if (strategy.num_replicas_in_sync() == 1) return;
  ASSERT_EQ(strategy.num_divergences(), 1);
  const Divergence& divergence = strategy.last_divergence();
  EXPECT_EQ(divergence.run, 1);
  EXPECT_EQ(divergence.adopted.size(), 2u) << divergence.to_string();
  for (const char* word : {"normal f32 [5] of generator 'noise' at scenarios_policies.cc",
                           "from the first replica: generator 'noise'", "variable 'weights'"}) {
    EXPECT_THAT(divergence.to_string(), testing::HasSubstr(word));
  }
  EXPECT_THAT(divergence.to_string(), testing::Not(testing::HasSubstr("calm")));

  // From here on every replica is where the first one was.
  run(false);
  strategy.check();
  EXPECT_EQ(strategy.num_divergences(), 1);
  auto alone = Generator::from_seed(1, {.name = "alone"});
  alone.skip(6);
  const auto drawn =
      strategy.run([&](ReplicaContext&) { return noise.normal<float>({}).item<float>(); });
  const auto values = strategy.run([&](ReplicaContext&) { return weights.values<float>()[2]; });
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const ContextGuard outside({.kind = ContextKind::outside});
    Generator stream = alone.for_replica(drawn.replica_id(i));
    EXPECT_EQ(drawn[i], stream.normal<float>({}).item<float>());
    EXPECT_EQ(values[i], 0.0f);
  }
}

void cannot_adopt_what_is_not_there(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  const auto scope = strategy.scope();
  std::vector<Generator> made;
  if (world->rank() == 1) made.push_back(Generator::from_seed(1));
  expect_error(ErrorCode::diverged, {"create", "cannot be adopted"}, [&] { strategy.check(); });
}

void adopts_turns(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  auto shared = Generator::from_seed(world->rank() + 1, {.name = "shared"});
  strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({}); });
  EXPECT_EQ(words(shared)[0], 1 + 256 * strategy.num_replicas_in_sync());
  ASSERT_EQ(strategy.num_divergences(), world->size() == 1 ? 0 : 1);
  if (world->size() > 1) {
    EXPECT_THAT(strategy.last_divergence().to_string(),
                testing::HasSubstr("from the first replica: generator 'shared'"));
  }
}

void assumed_equal_turns(const World& world, int replicas_per_rank) {
  const StrategyOptions options{
      .replicas_per_rank = replicas_per_rank, .timeout_seconds = 60, .turns = Turns::assumed_equal};
  MirroredStrategy strategy(world, options);
  const int replicas = strategy.num_replicas_in_sync();
  for (const Algorithm algorithm : {Algorithm::philox, Algorithm::threefry}) {
    auto shared = Generator::from_seed(5, algorithm);
    auto alone = Generator::from_seed(5, algorithm);
    for (int run = 0; run < 2; ++run) {
      const auto drawn = strategy.gather(strategy.run([&](ReplicaContext&) {
        const float third = shared.normal<float>({3}).item<float>(2);
        (void)shared.normal<float>({0});
        return third + 10 * shared.normal<float>({}).item<float>();
      }));
      std::vector<float> want;
      for (int r = 0; r < replicas; ++r) {
        want.push_back(alone.normal<float>({3}).item<float>(2));
      }
      for (int r = 0; r < replicas; ++r) {
        want[static_cast<std::size_t>(r)] += 10 * alone.normal<float>({}).item<float>();
      }
      EXPECT_EQ(drawn, want) << "as agreed turns give";
      EXPECT_EQ(words(shared), words(alone));
      (void)shared.normal<float>({});  // between runs, on every rank
      (void)alone.normal<float>({});
    }
  }
  if (replicas == 1) return;
  auto shared = Generator::from_seed(5, {.name = "shared"});
  expect_error(ErrorCode::diverged, {"normal f32 [2]", "made only", "scenarios_policies.cc:"}, [&] {
    strategy.run([&](ReplicaContext& replica) {
      (void)shared.normal<float>({2});
      if (is_last(replica)) (void)shared.normal<float>({2});
    });
    strategy.check();
  });
  if (world->size() > 1) {
    MirroredStrategy other(world, options);
    auto unlike = Generator::from_seed(world->rank());
    expect_error(ErrorCode::diverged, {"take_turns", "scenarios_policies.cc:"}, [&] {
      other.run([&](ReplicaContext&) { (void)unlike.normal<float>({}); });
      other.check();
    });
  }
  expect_error(ErrorCode::invalid_argument, {"agreed turns"}, [&] {
    MirroredStrategy(world,
                     {.on_divergence = OnDivergence::adopt_first, .turns = Turns::assumed_equal});
  });
}

void collectives_checked_late(const World& world, int replicas_per_rank) {
  const StrategyOptions options{.replicas_per_rank = replicas_per_rank,
                                .timeout_seconds = 60,
                                .collective_checks = CollectiveChecks::at_end_of_run};
  const auto reduce = [](ReplicaContext& replica) {
    std::vector<float> values(1, 1.0f);
    replica.all_reduce(values, Reduce::sum);
    EXPECT_EQ(values[0], static_cast<float>(replica.num_replicas_in_sync()));
  };
  {
    MirroredStrategy strategy(world, options);
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1);
    for (int run = 0; run < 3; ++run) strategy.run(reduce);
    strategy.check();
    if (strategy.num_replicas_in_sync() == 1) return;
    expect_error(ErrorCode::diverged, {"normal f32 [2]", "scenarios_policies.cc:"}, [&] {
      strategy.run([&](ReplicaContext& replica) {
        // A whole rank, where there are several: one that differs within itself gives up at once, and
        // MPI with it.
        const bool odd = world->size() > 1 ? world->rank() == 1 : is_last(replica);
        if (odd) (void)noise.normal<float>({2});
        reduce(replica);
      });
      strategy.check();
    });
  }
}

void other_policies_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  expect_error(ErrorCode::diverged,
               {"on_divergence save_all", "on_divergence adopt_first", "on rank 1"}, [&] {
                 MirroredStrategy(
                     world, {.replicas_per_rank = replicas_per_rank,
                             .on_divergence = world->rank() == 1 ? OnDivergence::save_all
                                                                 : OnDivergence::adopt_first});
               });
}

void other_version_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  const std::uint64_t version = StrategyCore::kProtocolVersion + (world->rank() == 1 ? 1 : 0);
  expect_error(ErrorCode::diverged, {"version", "on rank 1"}, [&] {
    StrategyCore::create(world, {.replicas_per_rank = replicas_per_rank}, version);
  });
  const int other = replicas_per_rank + (world->rank() == 1 ? 0 : 1);
  expect_error(ErrorCode::diverged, {"version", "on rank 1"},
               [&] { StrategyCore::create(world, {.replicas_per_rank = other}, version); });
}

}  // namespace

std::vector<Scenario> policy_scenarios() {
  return {{"ends_without_waiting", ends_without_waiting},
          {"named_as_of_the_end", named_as_of_the_end},
          {"adopts_the_first", adopts_the_first},
          {"cannot_adopt_what_is_not_there", cannot_adopt_what_is_not_there},
          {"adopts_turns", adopts_turns},
          {"assumed_equal_turns", assumed_equal_turns},
          {"collectives_checked_late", collectives_checked_late},
          {"other_policies_on_a_rank", other_policies_on_a_rank},
          {"other_version_on_a_rank", other_version_on_a_rank}};
}

}  // namespace counterpoint
