// Numbers used twice among replicas: what streams that are equal by design draw is none.
#include <array>
#include <optional>
#include <vector>

#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/reuse_cases.h"

namespace counterpoint {
namespace {

class ReuseInStrategies : public testing::Test {
 protected:
  const ReuseDetector detector_;
  MirroredStrategy strategy_{StrategyOptions{.replicas_per_rank = 4}};
};

TEST_F(ReuseInStrategies, IsNoneInALongRunOfEveryKind) {
  auto outside = Generator::from_seed({1, 2, 6});
  const auto scope = strategy_.scope();
  const ReplicaGrid grid = strategy_.grid({{"data", 2}, {"tensor", 2}});
  auto usual = Generator::from_seed({1, 2, 3});
  auto same = Generator::from_seed({1, 2, 4}, {.streams = StreamLayout::identical()});
  auto by_axis = Generator::from_seed({1, 2, 5}, {.streams = grid.varying_along({"tensor"})});
  std::size_t after_the_first = 0;
  for (std::int64_t step = 0; step < 300; ++step) {
    strategy_.run([&](ReplicaContext&) {
      draw(outside, 2);
      draw(usual, 3);
      (void)usual();
      draw(same, 3);
      draw(by_axis, 3);
      (void)usual.sharded().normal<float>({10, 2});
      (void)same.sharded().normal<float>({10, 2});
      auto own = Generator::from_seed({7, 8, 100 + step});
      draw(own, 2);
      own.skip(3);
      (void)own.sharded().normal<float>({10, 2});
      auto own_same =
          Generator::from_seed({7, 9, 100 + step}, {.streams = StreamLayout::identical()});
      draw(own_same, 2);
    });
    draw(usual, 2);
    draw(same, 2);
    draw(by_axis, 2);
    draw(outside, 2);
    // Each step's own generators leave ranges: 4 streams, the sharded draw and the identical stream.
    if (step == 0) after_the_first = detector_.num_ranges();
    ASSERT_EQ(detector_.num_ranges(), after_the_first + static_cast<std::size_t>(step) * 6);
  }
}

TEST_F(ReuseInStrategies, OfAScopesGeneratorIsFoundInTheRun) {
  const auto scope = strategy_.scope();
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::from_seed({1, 2, 3});
  const Location first = Location::current();
  strategy_.run([&](ReplicaContext&) { draw(a, 10, first); });
  draw(b, 10);  // the primary stream is no replica's
  b.skip(-10);
  const Location now = Location::current();
  expect_error(ErrorCode::failed_precondition,
               {"taken before, by normal at " + location_to_string(first),
                "at " + location_to_string(now), "(replica "},
               [&] { strategy_.run([&](ReplicaContext&) { draw(b, 1, now); }); });
}

TEST_F(ReuseInStrategies, OfAViewOfAReplica) {
  const auto scope = strategy_.scope();
  auto g = Generator::from_seed({1, 2, 3});
  auto looked_at = g.for_replica(1);
  auto kept = g.for_replica(2);
  const Tensor state = looked_at.state();
  draw(looked_at, 2);
  looked_at.reset(state);  // a look is given back
  const Location first = Location::current();
  draw(kept, 2, first);
  expect_error(ErrorCode::failed_precondition,
               {"taken before, by normal at " + location_to_string(first), "replica 2"},
               [&] { strategy_.run([&](ReplicaContext&) { draw(g, 2); }); });
}

TEST_F(ReuseInStrategies, OfAGeneratorThatEveryRunMakesAnew) {
  const Location first = Location::current();
  const auto run = [&] {
    strategy_.run([&](ReplicaContext&) {
      auto g = Generator::from_seed({1, 2, 3});
      draw(g, 2, first);
    });
  };
  run();
  expect_error(ErrorCode::failed_precondition,
               {"taken before, by normal at " + location_to_string(first)}, run);
}

// Streams that replicas share are one in a run, where each replica makes its own object; the next run's is
// another.
TEST_F(ReuseInStrategies, OfAStreamThatEveryRunSharesAnew) {
  const auto expect_found_in_the_second_run = [&](const auto& drawn) {
    const auto run = [&] { strategy_.run([&](ReplicaContext&) { drawn(); }); };
    run();
    expect_error(ErrorCode::failed_precondition,
                 {"taken before, by normal at ", "reuse_strategies"}, run);
  };
  expect_found_in_the_second_run([] {
    auto g = Generator::from_seed({1, 2, 3}, {.streams = StreamLayout::identical()});
    draw(g, 2);
    draw(g, 2);
  });
}

TEST_F(ReuseInStrategies, OfADrawThatEveryRunShardsAnew) {
  const auto run = [&] {
    strategy_.run([&](ReplicaContext&) {
      auto g = Generator::from_seed({1, 2, 3});
      (void)g.sharded().normal<float>({8});
    });
  };
  run();
  expect_error(ErrorCode::failed_precondition, {"taken before, by normal at ", "reuse_strategies"},
               run);
}

// Two objects of one run, equal on every replica, that are not the same object.
TEST_F(ReuseInStrategies, OfTwoSharedStreamsOfARun) {
  expect_error(ErrorCode::failed_precondition, {"taken before, by normal at "}, [&] {
    strategy_.run([&](ReplicaContext&) {
      for (int i = 0; i < 2; ++i) {
        auto g = Generator::from_seed({1, 2, 3}, {.streams = StreamLayout::identical()});
        draw(g, 2);
      }
    });
  });
}

// An object that outlives its run goes on with it.
TEST_F(ReuseInStrategies, IsNoneOfASharedStreamThatOutlivesItsRun) {
  std::array<std::optional<Generator>, 4> kept;
  for (int i = 0; i < 3; ++i) {
    strategy_.run([&](ReplicaContext& replica) {
      auto& g = kept[static_cast<std::size_t>(replica.replica_id())];
      if (!g) g = Generator::from_seed({1, 2, 3}, {.streams = StreamLayout::identical()});
      draw(*g, 2);
    });
  }
}

// A replica's ranges are one across what others drew between them, but not across what it skipped.
TEST_F(ReuseInStrategies, IsNoneOfWhatAReplicaSkipped) {
  const auto scope = strategy_.scope();
  auto g = Generator::from_key_counter(7, std::array<std::int64_t, 2>{std::int64_t{5} << 32, 0});
  auto skipped = g.for_replica(1);
  auto passed = g.for_replica(1);
  auto drawn = g.for_replica(1);
  const Location first = Location::current();
  strategy_.run([&](ReplicaContext&) {
    draw(g, 10);
    g.skip(5);
    draw(g, 5, first);
    g.skip(-100);  // loses its carry, and so goes on
    draw(g, 1);
  });
  skipped.skip(10);
  draw(skipped, 5);
  passed.skip(30);
  draw(passed, 1);
  drawn.skip(15);
  expect_reuse(drawn, 1, first);
}

TEST_F(ReuseInStrategies, OfTurnsOnACopyMadeOutside) {
  auto a = Generator::from_seed({1, 2, 3});
  auto b = Generator::copy_of(a);
  const Location first = Location::current();
  draw(b, 1, first);
  expect_error(ErrorCode::failed_precondition,
               {"taken before, by normal at " + location_to_string(first)},
               [&] { strategy_.run([&](ReplicaContext&) { draw(a, 1); }); });
}

// Turns have an order, whatever the threads do: each skip gives back what the draw before it took.
TEST_F(ReuseInStrategies, IsNoneInTurnsThatGoBack) {
  auto g = Generator::from_seed({1, 2, 3});
  auto same = Generator::copy_of(g);
  for (int run = 0; run < 200; ++run) {
    strategy_.run([&](ReplicaContext& replica) {
      for (int i = 0; i < 5; ++i) {
        if (replica.replica_id() % 2 == 0) {
          draw(g, 2);
        } else {
          g.skip(-2);
        }
      }
    });
  }
  EXPECT_EQ(g.to_string(), same.to_string());
  EXPECT_EQ(detector_.num_ranges(), 0u);
  draw(same, 2);
}

TEST_F(ReuseInStrategies, IsNoneInEqualTurnsThatGoBack) {
  MirroredStrategy strategy(StrategyOptions{.replicas_per_rank = 4, .turns = Turns::assumed_equal});
  auto g = Generator::from_seed({1, 2, 3});
  auto same = Generator::copy_of(g);
  for (int run = 0; run < 100; ++run) {
    strategy.run([&](ReplicaContext&) {
      for (int i = 0; i < 5; ++i) {
        draw(g, 2);
        g.skip(-2);
      }
    });
  }
  EXPECT_EQ(g.to_string(), same.to_string());
}

TEST_F(ReuseInStrategies, IsNoneAfterResetsInAndOutsideOfARun) {
  const auto scope = strategy_.scope();
  auto g = Generator::from_seed({1, 2, 3});
  for (int i = 0; i < 3; ++i) {
    strategy_.run([&](ReplicaContext&) { draw(g, 2); });
    draw(g, 2);
    g.reset_from_seed({1, 2, 3});
    strategy_.run([&](ReplicaContext&) {
      draw(g, 2);
      g.reset_from_seed({1, 2, 3});
      draw(g, 2);
      g.skip(-2);
    });
  }
}

// Recovery in one process: the strategy stops, all is made anew and restored.
TEST_F(ReuseInStrategies, IsNoneWhereAllIsMadeAnewAndRestored) {
  SavedObject saved;
  for (int life = 0; life < 3; ++life) {
    MirroredStrategy strategy({.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed({1, 2, 3}, {.name = "noise"});
    if (life != 0) noise.saveable()->prepare(saved)->commit();
    const auto step = [&] {
      strategy.run([&](ReplicaContext&) { draw(noise, 2); });
      draw(noise, 2);
    };
    step();
    if (life == 0) saved = noise.saveable()->save();
    step();
  }
}

}  // namespace
}  // namespace counterpoint
