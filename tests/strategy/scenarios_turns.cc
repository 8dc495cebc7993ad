// Turns on generators made outside: which of several is drawn from, beside collectives, and what is said
// of those that cannot go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

StrategyOptions with_turns(int replicas_per_rank, Turns turns) {
  StrategyOptions options = quiet_options(replicas_per_rank);
  options.turns = turns;
  return options;
}

std::vector<Generator> made_at_one_line(const std::vector<int>& seeds, const char* name = "") {
  std::vector<Generator> made;
  for (const int seed : seeds) made.push_back(Generator::from_seed(seed, {.name = name}));
  return made;
}

// Several made at one line are told apart by the order in which they are first drawn from.
void several_of_one_line(const World& world, int replicas_per_rank) {
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
    const int replicas = strategy.num_replicas_in_sync();
    auto layers = made_at_one_line({7, 8, 9});
    for (int run = 0; run < 2; ++run) {
      strategy.run([&](ReplicaContext& replica) {
        for (Generator& layer : layers) (void)layer.normal<float>({2});
        if (turns == Turns::agreed && replica.replica_id() == 0) {
          (void)layers[1].normal<float>({2});
        }
      });
    }
    strategy.check();
    const int more = turns == Turns::agreed ? 1 : 0;
    EXPECT_EQ(words(layers[0])[0], 7 + 2 * 512 * replicas);
    EXPECT_EQ(words(layers[1])[0], 8 + 2 * 512 * (replicas + more));
    EXPECT_EQ(words(layers[2])[0], 9 + 2 * 512 * replicas);
  }
}

// One a step, made anew at its line, is the first of it each time.
void made_anew_each_step(const World& world, int replicas_per_rank) {
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
    for (int step = 0; step < 3; ++step) {
      auto noise = Generator::from_seed(7);
      strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({2}); });
      EXPECT_EQ(words(noise)[0], 7 + 512 * strategy.num_replicas_in_sync());
    }
    strategy.check();
  }
}

// How long those before it live differs between ranks, and does not count.
void kept_on_one_rank(const World& world, int replicas_per_rank) {
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
    std::vector<Generator> kept;
    for (int step = 0; step < 4; ++step) {
      auto noise = Generator::from_seed(step);
      strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({2}); });
      EXPECT_EQ(words(noise)[0], step + 512 * strategy.num_replicas_in_sync());
      if (world->rank() == 0) kept.push_back(std::move(noise));
    }
    strategy.check();
  }
}

// Alike in origin and state: where ranks drew from one each, nothing would tell.
void indistinct_generators(const World& world, int replicas_per_rank) {
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    for (const char* name : {"", "twin"}) {
      MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
      auto twins = made_at_one_line({7, 7}, name);
      const auto draw_from_both = [&] {
        strategy.run([&](ReplicaContext&) {
          for (Generator& twin : twins) (void)twin.normal<float>({2});
        });
      };
      if (world->size() == 1) {  // one rank knows
        draw_from_both();
        EXPECT_EQ(words(twins[1]), words(twins[0]));
        continue;
      }
      const std::string who = *name == 0 ? "made at scenarios_turns.cc:" : "'twin'";
      expect_error(ErrorCode::failed_precondition, {who, "a name of its own or another seed"},
                   draw_from_both);
      EXPECT_EQ(words(twins[1])[0], 7);
    }
  }
}

// Where each rank draws from one of them alone, nothing tells as long as it does so: turns are right, and
// named is the draw on another.
void each_rank_its_own_twin(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
    auto twins = made_at_one_line({7, 7});
    const std::size_t mine = world->rank() == 0 ? 0 : 1;
    for (int run = 1; run < 3; ++run) {
      strategy.run([&](ReplicaContext&) { (void)twins[mine].normal<float>({2}); });
      EXPECT_EQ(words(twins[mine])[0], 7 + 512 * run * strategy.num_replicas_in_sync());
      EXPECT_EQ(words(twins[1 - mine])[0], 7);
    }
    strategy.check();
    expect_error(ErrorCode::failed_precondition,
                 {"two generators", "made at scenarios_turns.cc:", "a name of its own"}, [&] {
                   strategy.run([&](ReplicaContext&) { (void)twins[0].normal<float>({2}); });
                   strategy.check();
                 });
  }
}

// Replicas of one rank that draw from one each, and ranks that do so where states tell.
void another_of_one_line(const World& world, int replicas_per_rank) {
  for (const Turns turns : {Turns::agreed, Turns::assumed_equal}) {
    MirroredStrategy strategy(world, with_turns(replicas_per_rank, turns));
    if (strategy.num_replicas_in_sync() == 1) return;
    auto pair = made_at_one_line({7, 8});
    expect_error(ErrorCode::diverged, {"scenarios_turns.cc:"}, [&] {
      strategy.run([&](ReplicaContext& replica) {
        (void)pair[is_last(replica) ? 1 : 0].normal<float>({2});
      });
      strategy.check();
    });
  }
}

// A replica at a collective draws nothing while others take turns.
void turns_beside_collectives(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  const int replicas = strategy.num_replicas_in_sync();
  const auto draws_of = [](int replica_id) { return replica_id % 3; };
  auto shared = Generator::from_seed(3, {.name = "shared"});
  auto alone = Generator::from_seed(3, {.name = "alone"});
  strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({0}); });
  for (int run = 0; run < 3; ++run) {
    const auto drawn = strategy.run([&](ReplicaContext& replica) {
      std::vector<float> mine;
      for (int phase = 0; phase < 2; ++phase) {
        for (int k = 0; k < draws_of(replica.replica_id() + phase); ++k) {
          mine.push_back(shared.normal<float>({}).item<float>());
        }
        std::vector<int> ones(1, 1);
        replica.all_reduce(ones, Reduce::sum);
        EXPECT_EQ(ones[0], replicas);
      }
      return mine;
    });
    std::vector<std::vector<float>> want(static_cast<std::size_t>(replicas));
    for (int phase = 0; phase < 2; ++phase) {
      for (int k = 0; k < 2; ++k) {
        for (int r = 0; r < replicas; ++r) {
          if (k >= draws_of(r + phase)) continue;
          want[static_cast<std::size_t>(r)].push_back(alone.normal<float>({}).item<float>());
        }
      }
    }
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      EXPECT_EQ(drawn[i], want[static_cast<std::size_t>(drawn.replica_id(i))]);
    }
  }
  EXPECT_EQ(words(shared), words(alone));
  strategy.check();
}

// All of the state is compared, and named.
void other_states_outside(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  for (std::size_t word = 0; word < 3; ++word) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    std::vector<std::int64_t> state = {1, 2, 3};
    if (world->rank() == world->size() - 1) ++state[word];
    auto shared = Generator::from_state(state, {.name = "shared"});
    expect_error(ErrorCode::diverged, {"different states of generator 'shared'", "same seed"}, [&] {
      strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({}); });
      strategy.check();
    });
    EXPECT_EQ(words(shared), state);
  }
}

// Of equal words in another order, where no message tells before the run has ended.
void other_states_in_equal_turns(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, with_turns(replicas_per_rank, Turns::assumed_equal));
  const bool is_other = world->rank() == world->size() - 1;
  const std::vector<std::int64_t> state = {is_other ? 2 : 1, is_other ? 1 : 2, 3};
  auto shared = Generator::from_state(state, {.name = "shared"});
  expect_error(ErrorCode::diverged, {"take_turns", "generator 'shared'"}, [&] {
    strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({}); });
    strategy.check();
  });
}

// Who draws, where, and from what, is told also on the rank that does not know the generator.
void names_what_cannot_follow(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  for (const bool collective : {false, true}) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    auto shared = Generator::from_seed(3, {.name = "shared"});
    expect_error(
        ErrorCode::diverged,
        {"no replica on rank 1 ", "on rank 0, replica 0 is at normal f32 [] at scenarios_turns.cc:",
         " of generator 'shared'"},
        [&] {
          strategy.run([&](ReplicaContext& replica) {
            if (replica.rank() == 0) (void)shared.normal<float>({});
            std::vector<float> values(1);
            if (collective) replica.all_reduce(values, Reduce::sum);
          });
          strategy.check();
        });
  }
}

void equal_turns_are_named(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, with_turns(replicas_per_rank, Turns::assumed_equal));
  if (strategy.num_replicas_in_sync() == 1) return;
  auto shared = Generator::from_seed(3, {.name = "shared"});
  expect_error(
      ErrorCode::diverged,
      {"normal f32 [2] of generator 'shared' at", "normal f32 [3] of generator 'shared' at"}, [&] {
        strategy.run([&](ReplicaContext& replica) {
          (void)shared.normal<float>({is_last(replica) ? 3 : 2});
        });
        strategy.check();
      });
}

}  // namespace

std::vector<Scenario> turn_scenarios() {
  return {{"several_of_one_line", several_of_one_line},
          {"made_anew_each_step", made_anew_each_step},
          {"kept_on_one_rank", kept_on_one_rank},
          {"indistinct_generators", indistinct_generators},
          {"each_rank_its_own_twin", each_rank_its_own_twin},
          {"another_of_one_line", another_of_one_line},
          {"turns_beside_collectives", turns_beside_collectives},
          {"other_states_outside", other_states_outside},
          {"other_states_in_equal_turns", other_states_in_equal_turns},
          {"names_what_cannot_follow", names_what_cannot_follow},
          {"equal_turns_are_named", equal_turns_are_named}};
}

}  // namespace counterpoint
