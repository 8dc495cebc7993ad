// Replicas and ranks that differ, throw or leave: named on every rank, and the strategy stops.
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// Runs `function` once in step and once more with the last replica told that it is the odd one;
// expects `code` and `words` on every rank, at the latest in the first call after that run, and a
// strategy that says why it has stopped.
template <class Function>
void expect_difference(const World& world, int replicas_per_rank, ErrorCode code,
                       std::initializer_list<std::string> words, Function function) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 60});
  const int last = strategy.num_replicas_in_sync() - 1;
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1, {.name = "noise"});
  auto other = Generator::from_seed(2, {.name = "other"});
  strategy.run([&](ReplicaContext& replica) { function(replica, noise, other, false); });
  if (last == 0) return;
  expect_error(code, words, [&] {
    strategy.run([&](ReplicaContext& replica) {
      function(replica, noise, other, replica.replica_id() == last);
    });
    strategy.check();
  });
  expect_error(ErrorCode::failed_precondition, {"stopped"},
               [&] { strategy.run([](ReplicaContext&) {}); });
  expect_error(ErrorCode::failed_precondition, {"stopped"}, [&] { (void)strategy.any(true); });
}

void one_draw_more(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged,
                    {"scenarios_differences.cc:", "made only"},
                    [](auto&, Generator& noise, Generator&, bool odd) {
                      (void)noise.normal<float>({2});
                      if (odd) (void)noise.normal<float>({2});
                    });
}

void one_draw_less(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged, {"normal f32 [2]", "made only"},
                    [](auto&, Generator& noise, Generator&, bool odd) {
                      if (!odd) (void)noise.normal<float>({2});
                    });
}

void another_shape(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged,
                    {"normal f32 [2]", "normal f32 [3]"},
                    [](auto&, Generator& noise, Generator&, bool odd) {
                      (void)noise.normal<float>({odd ? 3 : 2});
                    });
}

void another_generator(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged, {"normal f32 [2]"},
                    [](auto&, Generator& noise, Generator& other, bool odd) {
                      (void)(odd ? other : noise).template normal<float>({2});
                    });
}

void another_parameter(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged, {"uniform f32 [2]"},
                    [](auto&, Generator& noise, Generator&, bool odd) {
                      (void)noise.uniform<float>({2}, 0.0, odd ? 2.0 : 1.0);
                    });
}

void another_collective(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged,
                    {"all_reduce f32 [2]", "all_reduce f32 [3]"},
                    [](ReplicaContext& replica, Generator&, Generator&, bool odd) {
                      std::vector<float> values(odd ? 3 : 2, 1.0f);
                      replica.all_reduce(values, Reduce::sum);
                    });
}

void leaves_early(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::diverged,
                    {"all_reduce f32 [2]", "has left"},
                    [](ReplicaContext& replica, Generator&, Generator&, bool odd) {
                      std::vector<float> values(2, 1.0f);
                      if (!odd) replica.all_reduce(values, Reduce::sum);
                    });
}

void throws_while_others_wait(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::aborted, {"replica", "no more data"},
                    [](ReplicaContext& replica, Generator&, Generator&, bool odd) {
                      if (odd) throw std::runtime_error("no more data");
                      std::vector<float> values(2, 1.0f);
                      replica.all_reduce(values, Reduce::sum);
                      EXPECT_EQ(values[0], static_cast<float>(replica.num_replicas_in_sync()));
                    });
}

// Those that have ended their run learn of it by their next call.
void throws_after_others_left(const World& world, int replicas_per_rank) {
  expect_difference(world, replicas_per_rank, ErrorCode::aborted, {"no more data"},
                    [](ReplicaContext&, Generator& noise, Generator&, bool odd) {
                      (void)noise.normal<float>({2});
                      if (odd) throw std::runtime_error("no more data");
                    });
}

void throws_while_others_take_turns(const World& world, int replicas_per_rank) {
  Generator shared = Generator::from_seed(5);
  expect_difference(world, replicas_per_rank, ErrorCode::invalid_argument, {"replica", "[-1]"},
                    [&](ReplicaContext&, Generator&, Generator&, bool odd) {
                      (void)shared.normal<float>({odd ? -1 : 2});
                    });
}

// What a replica does wrong at a call keeps its code, and moves no state anywhere.
void bad_argument_everywhere(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  expect_error(ErrorCode::invalid_argument, {"replica 0 on rank 0", "maxval is 3"}, [&] {
    strategy.run([&](ReplicaContext&) { (void)noise.uniform<int>({2}, 3, 3); });
  });
  EXPECT_EQ(noise.state().item<std::int64_t>(0), 1);
}

void other_seed_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(world->rank() == 1 ? 2 : 1);
  expect_error(ErrorCode::diverged, {"create", "scenarios_differences.cc:"}, [&] {
    strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({}); });
    strategy.run([&](ReplicaContext&) {});
  });
}

// Of equal words in another order.
void other_counter_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  const bool is_other = world->rank() == 1;
  const std::vector<std::int64_t> state = {is_other ? 2 : 1, is_other ? 1 : 2, 9};
  auto noise = Generator::from_state(state);
  expect_error(ErrorCode::diverged, {"create"}, [&] { strategy.check(); });
}

void made_in_another_order_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  std::vector<Generator> made;
  for (const bool first : {true, false}) {
    const bool noise = first == (world->rank() != 1);
    made.push_back(noise ? Generator::from_seed(1, {.name = "noise"})
                         : Generator::from_seed(1, {.name = "dropout"}));
  }
  expect_error(ErrorCode::diverged,
               {"call 0: create", "generator 'noise' at scenarios_differences.cc:",
                "generator 'dropout' at scenarios_differences.cc:"},
               [&] { strategy.check(); });
}

void restored_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank, .timeout_seconds = 60});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  expect_error(ErrorCode::diverged, {"on rank 1, at restore", "scenarios_differences.cc:"}, [&] {
    if (world->rank() == 1) noise.saveable()->begin_restore();
    strategy.run([&](ReplicaContext&) { (void)noise.normal<float>({}); });
    strategy.check();
  });
}

void other_state_outside(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  auto unseeded = Generator::from_non_deterministic_state();
  const auto before = unseeded.key();
  expect_error(ErrorCode::diverged, {"made outside", "seed"},
               [&] { strategy.run([&](ReplicaContext&) { (void)unseeded.normal<float>({}); }); });
  EXPECT_EQ(unseeded.key(), before);
}

void other_options_on_a_rank(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  expect_error(ErrorCode::diverged, {"replicas a rank"}, [&] {
    MirroredStrategy(world,
                     {.replicas_per_rank = replicas_per_rank + (world->rank() == 1 ? 1 : 0)});
  });
  expect_error(ErrorCode::diverged, {"agreed turns", "assumed equal turns"}, [&] {
    MirroredStrategy(world, {.replicas_per_rank = replicas_per_rank,
                             .turns = world->rank() == 1 ? Turns::assumed_equal : Turns::agreed});
  });
  expect_error(ErrorCode::invalid_argument, {"1 to 4096"}, [&] {
    MirroredStrategy(world, {.replicas_per_rank = world->rank() == 1 ? 2147483647 : 1});
  });
}

void other_collective_outside(const World& world, int replicas_per_rank) {
  if (world->size() == 1) return;
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  expect_error(ErrorCode::diverged, {"any", "broadcast"}, [&] {
    std::vector<float> values(3);
    if (world->rank() == 1) {
      (void)strategy.any(true);
    } else {
      strategy.broadcast(values);
    }
  });
}

void runs_do_not_nest(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  strategy.run([&](ReplicaContext&) {
    expect_error(ErrorCode::failed_precondition, {"nest"},
                 [&] { strategy.run([](ReplicaContext&) {}); });
    expect_error(ErrorCode::failed_precondition, {"scope"}, [&] { (void)strategy.scope(); });
    expect_error(ErrorCode::failed_precondition, {"outside of run"},
                 [&] { (void)strategy.any(true); });
  });
}

// Generators private to a run may differ from replica to replica, and no log remembers them.
void private_draws_are_free(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  for (int run = 0; run < 3; ++run) {
    strategy.run([&](ReplicaContext& replica) {
      auto mine = Generator::from_seed(replica.replica_id());
      for (int i = 0; i <= replica.replica_id(); ++i) (void)mine.uniform<float>({i});
    });
  }
  strategy.check();
}

// What tensor parameters hold may depend on the replica's data; only their type and shape count.
void data_dependent_parameters_are_free(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  for (int run = 0; run < 3; ++run) {
    strategy.run([&](ReplicaContext& replica) {
      const Tensor scales =
          Tensor::from<float>({1, static_cast<float>(replica.replica_id() + 1)}, {2});
      (void)noise.normal<float>({4, 2}, 0.0, scales);
      (void)noise.binomial<float>({2}, scales, 0.5);
    });
  }
  strategy.check();
}

void outlived_strategy(const World& world, int replicas_per_rank) {
  auto strategy = std::make_unique<MirroredStrategy>(
      world, StrategyOptions{.replicas_per_rank = replicas_per_rank});
  Generator noise = [&] {
    const auto scope = strategy->scope();
    return Generator::from_seed(1);
  }();
  std::optional<ReplicaContext> kept;
  const auto scope = strategy->scope();
  strategy->run([&](ReplicaContext& replica) {
    if (replica.local_index() == 0) kept.emplace(replica);
  });
  std::vector<float> values(1);
  expect_error(ErrorCode::failed_precondition, {"outside of its run"},
               [&] { kept->all_reduce(values, Reduce::sum); });
  strategy.reset();
  (void)Generator::from_seed(2);  // in the scope of a strategy that is gone: nothing dangles
  // The state is there to be read and drawn from; nothing dangles.
  EXPECT_FLOAT_EQ(noise.normal<float>({}).item<float>(), 0.43842274f);
}

}  // namespace

std::vector<Scenario> difference_scenarios() {
  return {{"one_draw_more", one_draw_more},
          {"one_draw_less", one_draw_less},
          {"another_shape", another_shape},
          {"another_generator", another_generator},
          {"another_parameter", another_parameter},
          {"another_collective", another_collective},
          {"leaves_early", leaves_early},
          {"throws_while_others_wait", throws_while_others_wait},
          {"throws_after_others_left", throws_after_others_left},
          {"throws_while_others_take_turns", throws_while_others_take_turns},
          {"bad_argument_everywhere", bad_argument_everywhere},
          {"other_seed_on_a_rank", other_seed_on_a_rank},
          {"other_counter_on_a_rank", other_counter_on_a_rank},
          {"made_in_another_order_on_a_rank", made_in_another_order_on_a_rank},
          {"restored_on_a_rank", restored_on_a_rank},
          {"other_state_outside", other_state_outside},
          {"other_options_on_a_rank", other_options_on_a_rank},
          {"other_collective_outside", other_collective_outside},
          {"runs_do_not_nest", runs_do_not_nest},
          {"private_draws_are_free", private_draws_are_free},
          {"data_dependent_parameters_are_free", data_dependent_parameters_are_free},
          {"outlived_strategy", outlived_strategy}};
}

}  // namespace counterpoint
