// Which replicas share a stream, on a 2 x 2 x 2 grid split into ranks in every way; and draws that
// replicas share, whose whole is the same for any number of them.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/thread_communicator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/thread_ranks.h"

namespace counterpoint {
namespace {

// Runs `function(strategy)` on every rank of ranks x replicas_per_rank threads.
template <class Function>
void on_every_rank(int ranks, int replicas_per_rank, Function function) {
  on_thread_ranks(ranks, [&](const auto& world) {
    MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
    function(strategy);
  });
}

class GridOfEight : public testing::TestWithParam<int> {};  // ranks

// For every subset of the axes: two replicas draw the same exactly if they agree along it.
TEST_P(GridOfEight, VariesAlongTheAxesNamedAndNoOther) {
  const std::vector<std::string> names = {"data", "tensor", "pipeline"};
  on_every_rank(GetParam(), 8 / GetParam(), [&](MirroredStrategy& strategy) {
    const auto scope = strategy.scope();
    const ReplicaGrid grid = strategy.grid({{"data", 2}, {"tensor", 2}, {"pipeline", 2}});
    for (unsigned subset = 0; subset < 8; ++subset) {
      std::vector<std::string> varying;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        if ((subset >> axis & 1u) != 0) varying.push_back(names[axis]);
      }
      auto noise = Generator::from_seed({5, 6, 7}, {.streams = grid.varying_along(varying)});
      auto usual = Generator::from_seed({5, 6, 7});
      const auto drawn = strategy.gather(strategy.run([&](ReplicaContext&) {
        return noise.uniform_full_int<std::uint64_t>({}).item<std::uint64_t>();
      }));
      const auto per_replica = strategy.gather(strategy.run([&](ReplicaContext&) {
        return usual.uniform_full_int<std::uint64_t>({}).item<std::uint64_t>();
      }));
      for (int a = 0; a < 8; ++a) {
        for (int b = 0; b < 8; ++b) {
          bool same = true;
          for (std::size_t axis = 0; axis < 3; ++axis) {
            const bool named = (subset >> axis & 1u) != 0;
            same = same && (!named || grid.coordinates(a)[axis] == grid.coordinates(b)[axis]);
          }
          EXPECT_EQ(drawn[static_cast<std::size_t>(a)] == drawn[static_cast<std::size_t>(b)], same)
              << "axes " << subset << ", replicas " << a << " and " << b;
        }
      }
      EXPECT_EQ(drawn == per_replica, subset == 7) << "varying along all is the default";
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Ranks, GridOfEight, testing::Values(1, 2, 4, 8));

TEST(StreamLayout, IdenticalIsThePrimaryStream) {
  on_every_rank(2, 2, [](MirroredStrategy& strategy) {
    auto alone = Generator::from_seed(3);
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed(3, {.streams = StreamLayout::identical()});
    const auto drawn = strategy.gather(
        strategy.run([&](ReplicaContext&) { return noise.normal<float>({}).item<float>(); }));
    const float first = alone.normal<float>({}).item<float>();
    EXPECT_EQ(drawn, std::vector<float>(4, first));
    EXPECT_EQ(noise.normal<float>({}).item<float>(), alone.normal<float>({}).item<float>())
        << "cross-replica draws go on with the same stream";
    auto child = std::move(noise.split(1).front());
    auto lone_child = std::move(alone.split(1).front());
    const auto of_child = strategy.gather(
        strategy.run([&](ReplicaContext&) { return child.normal<float>({}).item<float>(); }));
    EXPECT_EQ(of_child, std::vector<float>(4, lone_child.normal<float>({}).item<float>()));
  });
}

TEST(StreamLayout, WrongOnesAreNamed) {
  expect_error(ErrorCode::failed_precondition, {"scope"},
               [] { Generator::from_seed(1, {.streams = StreamLayout::identical()}); });
  expect_error(ErrorCode::invalid_argument, {"data 2 x tensor 3", "6", "4"}, [] {
    ReplicaGrid({{"data", 2}, {"tensor", 3}}, 4);
  });
  constexpr int kMost = 2147483647;  // the product of three wraps around to something small
  expect_error(ErrorCode::invalid_argument, {"too many", "has 4"}, [] {
    ReplicaGrid({{"data", kMost}, {"tensor", kMost}, {"pipeline", kMost}}, 4);
  });
  expect_error(ErrorCode::invalid_argument, {"'data'"}, [] {
    ReplicaGrid({{"data", 2}, {"data", 2}}, 4);
  });
  const ReplicaGrid grid({{"data", 2}, {"tensor", 2}}, 4);
  expect_error(ErrorCode::invalid_argument, {"'batch'", "data, tensor"},
               [&] { (void)grid.varying_along({"batch"}); });
  expect_error(ErrorCode::invalid_argument, {"4"}, [&] { (void)grid.coordinates(4); });
  on_every_rank(1, 2, [&](MirroredStrategy& strategy) {
    const auto scope = strategy.scope();
    expect_error(ErrorCode::invalid_argument, {"4 replicas", "has 2"},
                 [&] { Generator::from_seed(1, {.streams = grid.varying_along({"data"})}); });
  });
}

// The whole of one logical draw, put together from the replicas' rows.
std::vector<float> whole_draw(int ranks, int replicas_per_rank) {
  std::vector<float> whole;
  on_every_rank(ranks, replicas_per_rank, [&](MirroredStrategy& strategy) {
    const auto scope = strategy.scope();
    auto noise = Generator::from_seed({1, 2, 3});
    const Tensor scales = Tensor::from<float>({1, 2, 3}, {3});
    std::vector<float> all;
    for (int draw = 0; draw < 2; ++draw) {
      const auto plain = strategy.run([&](ReplicaContext&) {
        return noise.sharded().normal<float>({10, 3}, 0.5, scales);
      });
      const auto filled = strategy.run([&](ReplicaContext& replica) {
        const RowRange rows =
            rows_of_replica(7, replica.replica_id(), replica.num_replicas_in_sync());
        Tensor out(DType::f32, {rows.count, 5});
        noise.sharded().fill_uniform(out.values<float>(), Shape{7, 5}, -1, 1);
        return out;
      });
      const auto truncated = strategy.run([&](ReplicaContext&) {
        return noise.sharded().truncated_normal<float>({9, 2});
      });
      for (const auto& part :
           {strategy.gather(plain), strategy.gather(filled), strategy.gather(truncated)}) {
        const auto values = part.values<float>();
        all.insert(all.end(), values.begin(), values.end());
      }
    }
    EXPECT_EQ(noise.state().item<std::int64_t>(0), 1 + 256 * 2 * (30 + 35 + 18));
    if (strategy.rank() == 0) whole = all;
  });
  return whole;
}

TEST(ShardedDraws, TheWholeIsTheSameForAnyNumberOfReplicas) {
  const std::vector<float> alone = whole_draw(1, 1);
  ASSERT_EQ(alone.size(), 2u * (30 + 35 + 18));
  for (const auto& [ranks, replicas] :
       {std::pair(1, 2), std::pair(2, 1), std::pair(3, 1), std::pair(1, 4), std::pair(2, 2),
        std::pair(1, 7), std::pair(2, 4), std::pair(8, 1)}) {
    EXPECT_EQ(whole_draw(ranks, replicas), alone) << ranks << " ranks x " << replicas;
  }
  // Outside of a strategy, all rows, and as an ordinary draw.
  auto plain = Generator::from_seed({1, 2, 3});
  auto same = Generator::from_seed({1, 2, 3});
  const Tensor a = plain.sharded().normal<float>({10, 3});
  const Tensor b = same.normal<float>({10, 3});
  EXPECT_TRUE(std::ranges::equal(a.values<float>(), b.values<float>()));
}

TEST(ShardedDraws, WrongUsesAreNamedAndMoveNothing) {
  auto noise = Generator::from_seed(1);
  std::vector<float> out(5);
  expect_error(ErrorCode::invalid_argument, {"scalar"},
               [&] { (void)noise.sharded().normal<float>({}); });
  expect_error(ErrorCode::invalid_argument, {"5", "[2, 3]", "6"}, [&] {
    noise.sharded().fill_normal(out, Shape{2, 3});
  });
  const Tensor by_row = Tensor::from<float>({1, 2}, {2, 1});
  expect_error(ErrorCode::invalid_argument, {"row", "[2, 1]"}, [&] {
    (void)noise.sharded().normal<float>({2, 3}, by_row);
  });
  expect_error(ErrorCode::invalid_argument, {"-1"}, [&] {
    (void)noise.sharded().normal<float>({-1, 3});
  });
  on_every_rank(1, 2, [&](MirroredStrategy& strategy) {
    expect_error(ErrorCode::failed_precondition, {"scope"}, [&] {
      strategy.run([&](ReplicaContext&) { (void)noise.sharded().normal<float>({2}); });
    });
  });
  EXPECT_EQ(noise.state().item<std::int64_t>(0), 1);
}

}  // namespace
}  // namespace counterpoint
