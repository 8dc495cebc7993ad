// Replicas that differ, through a file: each goes on where it was, on as many replicas however they
// are split into ranks, and on no other number.
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/thread_communicator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "runtime/own_folder.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

// On every rank of ranks x replicas threads: a strategy that saves all, and what it mirrors.
struct Trainer {
  MirroredStrategy strategy;
  StrategyScope scope = strategy.scope();
  Generator noise = Generator::from_seed(1, {.name = "noise"});
  MirroredVariable weights = strategy.variable<float>({2}, "weights");
  Checkpoint checkpoint;

  Trainer(const std::shared_ptr<Communicator>& world, int replicas_per_rank)
      : strategy(world,
                 {.replicas_per_rank = replicas_per_rank, .on_divergence = OnDivergence::save_all}),
        checkpoint(world, {{"noise", noise}, {"weights", weights}}) {}

  // What each replica draws next, and has.
  std::vector<float> next() {
    return strategy.gather(strategy.run([&](ReplicaContext&) {
      return 100 * weights.values<float>()[1] + noise.normal<float>({}).item<float>();
    }));
  }
};

template <class Function>
void on_every_rank(int ranks, int replicas_per_rank, Function function) {
  on_thread_ranks(ranks, [&](const auto& world) {
    Trainer trainer(world, replicas_per_rank);
    function(trainer);
  });
}

TEST(SavedReplicas, GoOnExactlyOnAsManyAndOnNoOtherNumber) {
  const OwnFolder folder;
  const std::string path = folder.file("saved_replicas.h5");
  std::vector<float> want;
  on_every_rank(2, 2, [&](Trainer& trainer) {
    trainer.strategy.run([&](ReplicaContext& replica) {
      for (int i = 0; i < replica.replica_id(); ++i) (void)trainer.noise.normal<float>({3});
      trainer.weights.assign(std::vector<float>{0, static_cast<float>(replica.replica_id())});
    });
    trainer.checkpoint.save(path);
    const std::vector<float> drawn = trainer.next();
    if (trainer.strategy.rank() == 0) want = drawn;
  });
  ASSERT_EQ(want.size(), 4u);
  for (const auto& [ranks, replicas] : {std::pair(2, 2), std::pair(4, 1), std::pair(1, 4)}) {
    on_every_rank(ranks, replicas, [&](Trainer& trainer) {
      const RestoreReport report = trainer.checkpoint.restore(path);
      for (const ObjectReport& object : report.objects) {
        EXPECT_EQ(object.result, ObjectResult::exact) << object.name;
      }
      EXPECT_EQ(trainer.next(), want);
    });
  }
  for (const auto& [ranks, replicas] : {std::pair(1, 1), std::pair(3, 1), std::pair(2, 4)}) {
    on_every_rank(ranks, replicas, [&](Trainer& trainer) {
      const std::vector<std::int64_t> words = {1, 0, 0};
      expect_error(ErrorCode::failed_precondition, {"4 replicas that differ", "'noise'"},
                   [&] { trainer.checkpoint.restore(path); });
      const Tensor state = trainer.noise.state();
      EXPECT_TRUE(std::ranges::equal(state.values<std::int64_t>(), words)) << "nothing changed";
    });
  }
}

// Of two generators made outside, alike in line and state, each rank drew from one: a save says so.
TEST(SavedReplicas, OfWhichEachRankDrewFromItsOwnTwinAreRefused) {
  const OwnFolder folder;
  on_thread_ranks(2, [&](const auto& world) {
    MirroredStrategy strategy(world, {.last_calls_folder = ""});
    std::vector<Generator> twins;
    for (int i = 0; i < 2; ++i) twins.push_back(Generator::from_seed(7));
    strategy.run([&](ReplicaContext& replica) {
      (void)twins[static_cast<std::size_t>(replica.rank())].normal<float>({2});
    });
    strategy.check();
    Checkpoint checkpoint(world, {{"a", twins[0]}, {"b", twins[1]}});
    expect_error(ErrorCode::diverged, {"generator 'a' is philox [1031, 0, 0] on rank 0"},
                 [&] { checkpoint.save(folder.file("twins.h5")); });
  });
}

}  // namespace
}  // namespace counterpoint
