// Turns on a generator made outside, where not all ranks take part in them: some are outside of a run, some
// fail, some differ.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// Turns on one generator that were taken unevenly end at a collective, before those on another.
void uneven_turns_on_several(const World& world, int replicas_per_rank) {
  for (const bool collective : {true, false}) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    const int replicas = strategy.num_replicas_in_sync();
    auto one = Generator::from_seed(3, {.name = "one"});
    auto other = Generator::from_seed(4, {.name = "other"});
    const auto draw = [&] {
      strategy.run([&](ReplicaContext& replica) {
        (void)one.normal<float>({2});
        if (replica.replica_id() == 0) (void)one.normal<float>({2});
        std::vector<int> ones(1, 1);
        if (collective) replica.all_reduce(ones, Reduce::sum);
        (void)other.normal<float>({2});
      });
      strategy.check();
    };
    if (!collective && replicas > 1) {
      expect_error(ErrorCode::diverged, {" of generator 'one'", " of generator 'other'"}, draw);
      continue;
    }
    draw();
    EXPECT_EQ(words(one)[0], 3 + 512 * (replicas + 1));
    EXPECT_EQ(words(other)[0], 4 + 512 * replicas);
  }
}

// One that is outside of a run answers no turns, whether it has drawn or not.
void calls_outside_beside_turns(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  const std::vector<std::string> calls = {"check", "save", "restore"};
  for (const std::string& call : calls) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    auto shared = Generator::from_seed(3, {.name = "shared"});
    const auto noise = [&] {
      const auto scope = strategy.scope();
      return Generator::from_seed(1, {.name = "noise"});
    }();
    const auto draw = [&] {
      strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({2}); });
    };
    draw();
    const auto drawn = words(shared);
    expect_error(ErrorCode::diverged,
                 {"do the same thing do not: on rank 0, at " + call, "; on rank 1, replica ",
                  " is at normal f32 [2] at scenarios_beside_turns.cc:", " of generator 'shared'"},
                 [&] {
                   if (world->rank() != 0) return draw();
                   if (call == "check") return strategy.check();
                   if (call == "save") return noise.saveable()->ensure_in_step();
                   return noise.saveable()->begin_restore();
                 });
    EXPECT_EQ(words(shared), drawn);
  }
}

// A run that fails has stopped the strategy on every rank, wherever the others are.
void faults_beside_turns(const World& world, int replicas_per_rank) {
  if (world->size() == 1 || replicas_per_rank == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  auto shared = Generator::from_seed(3, {.name = "shared"});
  strategy.run([&](ReplicaContext&) { (void)shared.normal<float>({2}); });
  expect_error(ErrorCode::aborted, {" on rank 1: the data set is gone"}, [&] {
    if (world->rank() == 0) return strategy.check();
    strategy.run([&](ReplicaContext& replica) {
      if (replica.rank() == 1 && replica.local_index() == 1) {
        throw std::runtime_error("the data set is gone");
      }
      (void)shared.normal<float>({2});
    });
  });
  expect_error(ErrorCode::failed_precondition, {"has stopped"}, [&] { strategy.check(); });
}

// A round of turns is the first step after a run that differed: nothing is adopted in the middle of it,
// where replicas have come to different calls.
void adopts_after_turns(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  if (strategy.num_replicas_in_sync() == 1) return;
  auto shared = Generator::from_seed(3, {.name = "shared"});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  strategy.run(
      [&](ReplicaContext& replica) { (void)noise.normal<float>({is_last(replica) ? 5 : 4}); });
  strategy.run([&](ReplicaContext& replica) {
    const bool early = replica.replica_id() % 2 == 0;
    if (early) (void)noise.normal<float>({2});
    (void)shared.normal<float>({});
    if (!early) (void)noise.normal<float>({2});
  });
  strategy.check();
  EXPECT_EQ(strategy.num_divergences(), 1);
  EXPECT_THAT(strategy.last_divergence().message, testing::HasSubstr("normal f32 [5]"));
  EXPECT_EQ(words(noise)[0], 1 + 256 * 6);
  strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({2}); });
  strategy.check();
  EXPECT_EQ(strategy.num_divergences(), 1);
}

// Some ranks wait for a posted end where others draw in turn, or compare theirs at once.
void adopts_beside_turns(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  auto shared = Generator::from_seed(3, {.name = "shared"});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  expect_error(ErrorCode::diverged, {"no replica on rank 0 has yet drawn", "of generator 'shared'"},
               [&] {
                 strategy.run([&](ReplicaContext& replica) {
                   (void)noise.normal<float>({2});
                   if (replica.rank() == 1) return (void)shared.normal<float>({2});
                   if (replica.replica_id() == 0) (void)noise.normal<float>({2});
                 });
                 strategy.check();
               });
}

void adopts_where_one_has_gone(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank, OnDivergence::adopt_first));
  auto shared = std::optional(Generator::from_seed(3, {.name = "shared"}));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  strategy.run([&](ReplicaContext&) { (void)shared->normal<float>({2}); });
  if (world->rank() == 0) shared.reset();
  for (int run = 1; run < 3; ++run) {
    strategy.run(
        [&](ReplicaContext& replica) { (void)noise.normal<float>({replica.rank() == 0 ? 2 : 3}); });
    strategy.check();
    EXPECT_EQ(strategy.num_divergences(), run);
    EXPECT_EQ(words(noise)[0], 1 + 512 * run);
  }
}

}  // namespace

std::vector<Scenario> beside_turns_scenarios() {
  return {{"uneven_turns_on_several", uneven_turns_on_several},
          {"calls_outside_beside_turns", calls_outside_beside_turns},
          {"faults_beside_turns", faults_beside_turns},
          {"adopts_after_turns", adopts_after_turns},
          {"adopts_beside_turns", adopts_beside_turns},
          {"adopts_where_one_has_gone", adopts_where_one_has_gone}};
}

}  // namespace counterpoint
