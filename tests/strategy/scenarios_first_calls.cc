// Which call is named where several differ: the first, before what it was noticed by; and what is known of it
// where it is not remembered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

void reduce_of(ReplicaContext& replica, std::size_t count) {
  std::vector<float> values(count);
  replica.all_reduce(values, Reduce::sum);
}

// The call that differs first, where one that differs as well is the first to be noticed.
void first_before_what_is_noticed(const World& world, int replicas_per_rank) {
  for (const bool leaves : {false, true}) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    if (strategy.num_replicas_in_sync() == 1) return;
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(1, {.name = "noise"});
    const std::string message = message_of([&] {
      strategy.run([&](ReplicaContext& replica) {
        (void)noise.normal<float>({2});
        if (is_last(replica)) (void)noise.normal<float>({2});
        if (is_last(replica) && leaves) return;
        reduce_of(replica, is_last(replica) ? 3 : 2);
      });
      strategy.check();
    });
    const std::string line = "scenarios_first_calls.cc:" + std::to_string(__LINE__ - 6);
    EXPECT_THAT(message, testing::HasSubstr("call 2: all_reduce f32 [2] at"));
    EXPECT_THAT(message,
                testing::HasSubstr("call 2: normal f32 [2] of generator 'noise' at " + line));
    EXPECT_THAT(message, testing::HasSubstr("; noticed where "));
    EXPECT_THAT(message,
                testing::HasSubstr(leaves ? "has left run 0 after 3 calls, the last at " + line
                                          : "all_reduce f32 [3] at"));
  }
}

// Nothing is said to differ before a collective that is the first to.
void collectives_that_differ_first(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  if (strategy.num_replicas_in_sync() == 1) return;
  const std::string message = message_of([&] {
    strategy.run([&](ReplicaContext& replica) { reduce_of(replica, is_last(replica) ? 3 : 2); });
  });
  EXPECT_THAT(message, testing::HasSubstr("all_reduce f32 [3] at"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("noticed where")));
}

// What was saved is told by its name.
void saves_of_other_objects(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  auto calm = Generator::from_seed(1, {.name = "calm"});
  const std::string message =
      message_of([&] { (world->rank() == 1 ? calm : noise).saveable()->ensure_in_step(); });
  EXPECT_THAT(message, testing::HasSubstr(", of generator 'noise'; on rank 1, at save"));
  EXPECT_THAT(message, testing::HasSubstr(", of generator 'calm'"));
  EXPECT_THAT(message, testing::Not(testing::HasSubstr("#")));
}

// A run whose calls have left the logs when the next one ends.
void run_that_is_forgotten(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  const std::string message = message_of([&] {
    strategy.run(
        [&](ReplicaContext& replica) { (void)noise.normal<float>({replica.rank() == 1 ? 3 : 2}); });
    strategy.run([&](ReplicaContext&) {
      for (int i = 0; i < 1500; ++i) (void)noise.normal<float>({});
    });
    strategy.check();
  });
  EXPECT_THAT(message,
              testing::HasSubstr("replica 0 and replica " + std::to_string(replicas_per_rank) +
                                 " differ in run 0 or before, since one of the calls 0 to 2"));
}

}  // namespace

std::vector<Scenario> first_call_scenarios() {
  return {{"first_before_what_is_noticed", first_before_what_is_noticed},
          {"collectives_that_differ_first", collectives_that_differ_first},
          {"saves_of_other_objects", saves_of_other_objects},
          {"run_that_is_forgotten", run_that_is_forgotten}};
}

}  // namespace counterpoint
