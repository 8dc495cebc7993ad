// What generators draw where: design table "What generators mean".
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

// What `generator` gives, by several draws, as numbers to compare.
std::vector<double> sample(Generator& generator) {
  const Tensor normals = generator.normal<double>({3});
  const Tensor integers = generator.uniform<std::int32_t>({2}, -9, 9);
  const Tensor trials = generator.binomial<std::int32_t>({2}, 100, 0.4);
  std::vector<double> all;
  for (const double x : normals.values<double>()) all.push_back(x);
  for (const int x : integers.values<std::int32_t>()) all.push_back(x);
  for (const int x : trials.values<std::int32_t>()) all.push_back(x);
  return all;
}

// A plain generator in the middle of a strategy's scope.
Generator plain(const std::vector<std::int64_t>& state) {
  const ContextGuard guard({.kind = ContextKind::outside});
  return Generator::from_state(state);
}

// In a run each draw of replica r has the key derived from (key, r); in cross-replica context the
// primary.
void in_scope(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed({1, 2, 3});
  const Generator start = plain({1, 2, 3});
  const auto drawn = strategy.run([&](ReplicaContext&) { return sample(noise); });
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    Generator alone = start.for_replica(drawn.replica_id(i));
    EXPECT_EQ(drawn[i], sample(alone)) << "replica " << drawn.replica_id(i);
    EXPECT_EQ(words(noise)[0], words(alone)[0]) << "the counter moves as a plain one's";
  }
  Generator primary = plain(words(noise));
  EXPECT_EQ(sample(noise), sample(primary));
  noise.skip(5);
  primary.skip(5);
  // Every copy has moved: the next run starts where the primary is.
  const auto next = strategy.run([&](ReplicaContext&) { return words(noise); });
  for (const auto& state : next) EXPECT_EQ(state, words(primary));
}

// Draw k of every replica, replica 0 first, whatever the threads do.
void made_outside(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const int replicas = strategy.num_replicas_in_sync();
  auto shared = Generator::from_seed(1);
  auto alone = Generator::from_seed(1);
  constexpr int kDraws = 5;
  const auto drawn = strategy.run([&](ReplicaContext& replica) {
    std::vector<float> mine;
    for (int k = 0; k < kDraws; ++k) {
      std::this_thread::sleep_for(
          std::chrono::microseconds(100 * ((replica.replica_id() * 7 + k) % 3)));
      mine.push_back(shared.normal<float>({}).item<float>());
    }
    return mine;
  });
  std::vector<float> one_by_one(static_cast<std::size_t>(kDraws * replicas));
  for (float& x : one_by_one) x = alone.normal<float>({}).item<float>();
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    for (int k = 0; k < kDraws; ++k) {
      EXPECT_EQ(drawn[i][static_cast<std::size_t>(k)],
                one_by_one[static_cast<std::size_t>(k * replicas + drawn.replica_id(i))]);
    }
  }
  EXPECT_EQ(words(shared), words(alone));
}

// Replicas may take different amounts at a turn, and leave early: those that have left take
// nothing.
void uneven_turns(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const int replicas = strategy.num_replicas_in_sync();
  auto shared = Generator::from_seed(3);
  auto alone = Generator::from_seed(3);
  const auto draws_of = [](int replica_id) { return 1 + replica_id % 3; };
  const auto elements_of = [](int replica_id) { return std::int64_t{1 + replica_id}; };
  const auto drawn = strategy.run([&](ReplicaContext& replica) {
    std::vector<float> mine;
    for (int k = 0; k < draws_of(replica.replica_id()); ++k) {
      const Tensor z = shared.normal<float>({elements_of(replica.replica_id())});
      for (const float x : z.values<float>()) mine.push_back(x);
    }
    return mine;
  });
  std::vector<std::vector<float>> want(static_cast<std::size_t>(replicas));
  for (int k = 0; k < 3; ++k) {
    for (int r = 0; r < replicas; ++r) {
      if (k >= draws_of(r)) continue;
      const Tensor z = alone.normal<float>({elements_of(r)});
      for (const float x : z.values<float>()) want[static_cast<std::size_t>(r)].push_back(x);
    }
  }
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    EXPECT_EQ(drawn[i], want[static_cast<std::size_t>(drawn.replica_id(i))]);
  }
  EXPECT_EQ(words(shared), words(alone)) << "on every rank, also where all replicas had left";
}

// Drawn on some ranks only: replicas of one rank are served; a rank that cannot follow is named on all.
void turns_of_some(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  auto shared = Generator::from_seed(3);
  const auto draw = [&](ReplicaContext& replica) {
    if (replica.rank() == 0) (void)shared.normal<float>({});
  };
  if (world->size() == 1) {
    strategy.run(draw);
    EXPECT_EQ(words(shared)[0], 3 + 256 * replicas_per_rank);
  } else {
    // Ranks that have drawn from nothing of the kind do not wait for the others' turns.
    expect_error(ErrorCode::diverged, {"rank 1", "every rank"}, [&] {
      strategy.run(draw);
      strategy.check();
    });
    EXPECT_EQ(words(shared)[0], 3);
  }
}

// for_replica in a run is whoever's called it, and takes no turn.
void for_replica_in_a_run(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(3);
  strategy.run([&](ReplicaContext& replica) {
    Generator next = noise.for_replica((replica.replica_id() + 1) % replica.num_replicas_in_sync());
    for (int i = 0; i <= replica.replica_id(); ++i) (void)next.normal<float>({2});
  });
  EXPECT_NE(noise.for_replica(std::int64_t{1} << 32).key(), noise.for_replica(0).key());
}

// A generator made in a run has its replica's stream, the same again in the next run.
void made_in_run(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const Generator start = Generator::from_seed(1);
  for (int run = 0; run < 2; ++run) {
    const auto drawn = strategy.run([&](ReplicaContext&) {
      auto mine = Generator::from_seed(1);
      return sample(mine);
    });
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      Generator alone = start.for_replica(drawn.replica_id(i));
      EXPECT_EQ(drawn[i], sample(alone));
    }
  }
}

// Without a seed: the same state on every rank, another for every generator.
void without_a_seed(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  std::vector<std::vector<std::int64_t>> states;
  for (int i = 0; i < 2; ++i) states.push_back(words(Generator::from_non_deterministic_state()));
  states.push_back(words(Generator::from_non_deterministic_state()));
  EXPECT_NE(states[0], states[1]);
  EXPECT_NE(states[0], states[2]);
  std::vector<std::int64_t> mine;
  for (const auto& state : states) mine.insert(mine.end(), state.begin(), state.end());
  std::vector<std::int64_t> first = mine;
  strategy.broadcast(first);
  EXPECT_EQ(mine, first);
}

// In a run too, another in each: the same on every replica, however many others made before.
void without_a_seed_in_a_run(const World& world, int replicas_per_rank) {
  std::set<std::vector<std::int64_t>> seen;
  const auto unseeded = [] { return words(Generator::from_non_deterministic_state()); };
  constexpr int kRuns = 3;
  for (int made = 0; made < 2; ++made) {
    MirroredStrategy strategy(world, quiet_options(replicas_per_rank));
    const auto scope = strategy.scope();
    seen.insert(unseeded());
    for (int run = 0; run < kRuns; ++run) {
      const auto states = strategy.run([&](ReplicaContext& replica) {
        std::vector<std::vector<std::int64_t>> mine;
        for (int i = 0; i < 2; ++i) mine.push_back(unseeded());
        if (is_last(replica)) (void)unseeded();
        return mine;
      });
      for (const auto& mine : states) EXPECT_EQ(mine, states[0]);
      for (const std::vector<std::int64_t>& state : states[0]) {
        seen.insert(state);
        std::vector<std::int64_t> first = state;
        strategy.broadcast(first);
        EXPECT_EQ(state, first) << "of rank 0";
      }
    }
    seen.insert(unseeded());
  }
  EXPECT_EQ(seen.size(), 2U * (2 + 2 * kRuns)) << "some are the same";
}

void split_in_scope(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto parent = Generator::from_seed(1);
  auto children = parent.split(2);
  EXPECT_EQ(words(children[0]), (std::vector<std::int64_t>{0, 0, 6679402142117448868}));
  const auto drawn = strategy.run([&](ReplicaContext&) { return sample(children[1]); });
  const Generator start = plain({0, 0, 684265014234019051});
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    Generator alone = start.for_replica(drawn.replica_id(i));
    EXPECT_EQ(drawn[i], sample(alone));
  }
}

void used_elsewhere(const World& world, int replicas_per_rank) {
  MirroredStrategy own(world, {.replicas_per_rank = replicas_per_rank, .name = "own"});
  MirroredStrategy other(world, {.replicas_per_rank = replicas_per_rank, .name = "other"});
  Generator noise = [&] {
    const auto scope = own.scope();
    return Generator::from_seed(1, {.name = "noise"});
  }();
  const auto before = words(noise);
  {
    const auto scope = other.scope();
    expect_error(ErrorCode::failed_precondition, {"'noise'", "own", "other"},
                 [&] { (void)noise.normal<float>({}); });
    expect_error(ErrorCode::failed_precondition, {"own", "other"}, [&] { noise.skip(3); });
    expect_error(ErrorCode::failed_precondition, {"own", "other"},
                 [&] { noise.reset_from_seed(3); });
  }
  expect_error(ErrorCode::failed_precondition, {"'noise'", "own", "other", "replica 0"},
               [&] { other.run([&](ReplicaContext&) { (void)noise.normal<float>({}); }); });
  EXPECT_EQ(words(noise), before);
  EXPECT_FLOAT_EQ(noise.normal<float>({}).item<float>(), 0.43842274f) << "its own strategy goes on";
}

// A thread of a pool has no context: it is told so, until it is bound.
void thread_pools(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  auto reference = Generator::from_seed(1, {.name = "reference"});
  const auto bound = strategy.run([&](ReplicaContext& replica) {
    float drawn = 0;
    std::jthread([&] {
      expect_error(ErrorCode::failed_precondition, {"bind_thread"},
                   [&] { (void)noise.normal<float>({}); });
      const auto binding = replica.bind_thread();
      drawn = noise.normal<float>({}).item<float>();
    }).join();
    return std::vector<float>{drawn, reference.normal<float>({}).item<float>()};
  });
  for (const auto& pair : bound) EXPECT_EQ(pair[0], pair[1]);
}

void guarded_loop(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  if (replicas_per_rank != 1) {
    expect_error(ErrorCode::failed_precondition, {"enter_replica", "replicas_per_rank"},
                 [&] { (void)strategy.enter_replica(); });
    return;
  }
  const Generator start = plain({1, 0, 0});
  std::vector<float> buffer(4);
  {
    auto replica = strategy.enter_replica();
    noise.fill_normal(buffer);
    Generator alone = start.for_replica(replica->replica_id());
    std::vector<float> want(4);
    {
      const ContextGuard outside({.kind = ContextKind::outside});
      alone.fill_normal(want);
    }
    EXPECT_EQ(buffer, want);
    std::vector<double> ids = {static_cast<double>(replica->replica_id())};
    replica->all_reduce(ids, Reduce::sum);
    const int n = replica->num_replicas_in_sync();
    EXPECT_EQ(ids[0], n * (n - 1) / 2);
  }
  strategy.check();
}

}  // namespace

std::vector<Scenario> stream_scenarios() {
  return {{"in_scope", in_scope},
          {"made_outside", made_outside},
          {"uneven_turns", uneven_turns},
          {"turns_of_some", turns_of_some},
          {"for_replica_in_a_run", for_replica_in_a_run},
          {"made_in_run", made_in_run},
          {"without_a_seed", without_a_seed},
          {"without_a_seed_in_a_run", without_a_seed_in_a_run},
          {"split_in_scope", split_in_scope},
          {"used_elsewhere", used_elsewhere},
          {"thread_pools", thread_pools},
          {"guarded_loop", guarded_loop}};
}

}  // namespace counterpoint
