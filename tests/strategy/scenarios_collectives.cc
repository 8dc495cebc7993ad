// Variables, reductions, and what runs return.
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <sstream>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "strategy/scenario_parts.h"

namespace counterpoint {
namespace {

void all_reduce(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const int n = strategy.num_replicas_in_sync();
  strategy.run([&](ReplicaContext& replica) {
    const auto id = static_cast<float>(replica.replica_id());
    std::vector<float> values = {id, 2 * id, 1};
    replica.all_reduce(values, Reduce::sum);
    const auto sum = static_cast<float>(n * (n - 1) / 2);
    EXPECT_EQ(values, (std::vector<float>{sum, 2 * sum, static_cast<float>(n)}));
    Tensor mean = Tensor::scalar<double>(replica.replica_id());
    replica.all_reduce(mean, Reduce::mean);
    EXPECT_DOUBLE_EQ(mean.item<double>(), (n - 1) / 2.0);
    std::vector<std::int64_t> ends = {replica.replica_id()};
    replica.all_reduce(ends, Reduce::max);
    EXPECT_EQ(ends[0], n - 1);
    ends[0] = replica.replica_id();
    replica.all_reduce(ends, Reduce::min);
    EXPECT_EQ(ends[0], 0);
    std::vector<float> nothing;
    replica.all_reduce(nothing, Reduce::sum);
    EXPECT_EQ(replica.rank(), world->rank());
  });
}

// More values than any small path takes, twice: the same bits.
void repeated_sums(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto scope = strategy.scope();
  const auto once = [&] {
    auto noise = Generator::from_seed(12);
    return strategy.run([&](ReplicaContext& replica) {
      std::vector<float> values(100'000);
      noise.fill_normal(values);
      replica.all_reduce(values, Reduce::sum);
      return values;
    });
  };
  const auto first = once();
  const auto second = once();
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(first[i] == second[i]);
    EXPECT_TRUE(first[i] == first[0]) << "every replica has the same sums";
  }
}

void variables(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  // Rank 0's initial values are everybody's.
  const Tensor initial = Tensor::from<float>({static_cast<float>(world->rank()), 5}, {2});
  auto weights = strategy.variable(initial, "weights");
  EXPECT_EQ(weights.values<float>()[0], 0.0f);
  const int n = strategy.num_replicas_in_sync();
  strategy.run([&](ReplicaContext& replica) {
    Tensor gradient = Tensor::from<float>({static_cast<float>(replica.replica_id()), 1}, {2});
    replica.all_reduce(gradient, Reduce::sum);
    weights.assign_sub(gradient);
    EXPECT_EQ(weights.values<float>()[1], 5.0f - static_cast<float>(n));
    weights.assign_add(std::vector<float>{10, 10});
  });
  EXPECT_EQ(weights.values<float>()[0], 10.0f - static_cast<float>(n * (n - 1)) / 2.0f);
  weights.assign(std::vector<float>{1, 2});
  strategy.run([&](ReplicaContext&) { EXPECT_EQ(weights.values<float>()[1], 2.0f); });
  weights.assign_sub(weights.value());
  strategy.run([&](ReplicaContext&) { EXPECT_EQ(weights.values<float>()[1], 0.0f); });

  expect_error(ErrorCode::invalid_argument, {"'weights'", "[2]", "[3]"},
               [&] { weights.assign(Tensor(DType::f32, {3})); });
  expect_error(ErrorCode::invalid_argument, {"'weights'", "f64"}, [&] {
    weights.assign(std::vector<double>{1, 2});
  });
  expect_error(ErrorCode::invalid_argument, {"[1, 2]"}, [&] {
    weights.assign_add(Tensor(DType::f32, {1, 2}));
  });
  EXPECT_EQ(weights.values<float>()[0], 0.0f);

  MirroredStrategy other(world, {.replicas_per_rank = replicas_per_rank, .name = "other"});
  const auto scope = other.scope();
  expect_error(ErrorCode::failed_precondition, {"'weights'", "other"}, [&] {
    weights.assign(std::vector<float>{1, 2});
  });
}

void results_and_arguments(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const PerReplica<int> ids =
      strategy.run([](ReplicaContext& replica) { return replica.replica_id(); });
  ASSERT_EQ(ids.size(), static_cast<std::size_t>(replicas_per_rank));
  const Tensor offset = Tensor::scalar<double>(0.5);
  const PerReplica<double> shifted = strategy.run(
      [](ReplicaContext& replica, int id, const Tensor& plus) {
        EXPECT_EQ(id, replica.replica_id());
        return id + plus.item<double>();
      },
      ids, offset);
  const int n = strategy.num_replicas_in_sync();
  EXPECT_DOUBLE_EQ(strategy.reduce(Reduce::mean, shifted), (n - 1) / 2.0 + 0.5);
  EXPECT_EQ(strategy.reduce(Reduce::max, ids), n - 1);
  std::vector<int> want(static_cast<std::size_t>(n));
  std::iota(want.begin(), want.end(), 0);
  EXPECT_EQ(strategy.gather(ids), want);
  std::ostringstream stream;
  stream << ids;
  EXPECT_TRUE(stream.str().starts_with("PerReplica: {" + std::to_string(ids.replica_id(0)) + ": "));
  const PerReplica<int> short_one({}, 0);
  expect_error(ErrorCode::invalid_argument, {"0 elements"},
               [&] { strategy.run([](ReplicaContext&, int) {}, short_one); });
}

void gather_along_axes(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const int n = strategy.num_replicas_in_sync();
  // Replica r gives [2, r + 1] of values 100 r + column.
  const auto pieces = strategy.run([](ReplicaContext& replica) {
    const std::int64_t length = replica.replica_id() + 1;
    Tensor piece(DType::i32, {2, length});
    for (std::int64_t i = 0; i < 2 * length; ++i) {
      piece.values<std::int32_t>()[static_cast<std::size_t>(i)] =
          static_cast<std::int32_t>(100 * replica.replica_id() + i % length);
    }
    return piece;
  });
  const Tensor whole = strategy.gather(pieces, 1);
  EXPECT_EQ(whole.shape(), (Shape{2, n * (n + 1) / 2}));
  std::vector<std::int32_t> row;
  for (int r = 0; r < n; ++r) {
    for (int column = 0; column <= r; ++column) row.push_back(100 * r + column);
  }
  std::vector<std::int32_t> want = row;
  want.insert(want.end(), row.begin(), row.end());
  EXPECT_TRUE(std::ranges::equal(whole.values<std::int32_t>(), want));
  if (n > 1) {
    expect_error(ErrorCode::invalid_argument, {}, [&] {
      try {
        (void)strategy.gather(pieces, 0);
      } catch (const Error& error) {
        // Between ranks the difference is found by comparing what they are about to do.
        if (error.code() == ErrorCode::diverged)
          throw Error(ErrorCode::invalid_argument, error.message());
        throw;
      }
    });
  } else {
    expect_error(ErrorCode::invalid_argument, {"axis 2"},
                 [&] { (void)strategy.gather(pieces, 2); });
  }
}

void any_and_broadcast(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  EXPECT_FALSE(strategy.any(false));
  EXPECT_TRUE(strategy.any(world->rank() == world->size() - 1));
  std::vector<float> values(3, static_cast<float>(world->rank()));
  strategy.broadcast(values, world->size() - 1);
  EXPECT_EQ(values, std::vector<float>(3, static_cast<float>(world->size() - 1)));
  expect_error(ErrorCode::invalid_argument, {"99"}, [&] { strategy.broadcast(values, 99); });
  EXPECT_TRUE(strategy.any(true))
      << "a refused argument is refused on every rank and stops nothing";
}

void says_what_it_is(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank, .name = "trainer"});
  EXPECT_TRUE(strategy.describe().starts_with("trainer: ")) << strategy.describe();
  MirroredStrategy unnamed(world, {.replicas_per_rank = replicas_per_rank});
  EXPECT_TRUE(unnamed.name().starts_with("strategy made at scenarios_collectives.cc:"));
}

void wrong_options(const World& world, int) {
  expect_error(ErrorCode::invalid_argument, {"replicas_per_rank", "0"},
               [&] { MirroredStrategy(world, {.replicas_per_rank = 0}); });
  expect_error(ErrorCode::invalid_argument, {"timeout_seconds"},
               [&] { MirroredStrategy(world, {.timeout_seconds = -1}); });
  // What one rank gets wrong is refused on all.
  const int last = world->size() - 1;
  expect_error(ErrorCode::invalid_argument, {"replicas_per_rank", "-3"}, [&] {
    MirroredStrategy(world, {.replicas_per_rank = world->rank() == last ? -3 : 2});
  });
  expect_error(ErrorCode::invalid_argument, {"communicator"}, [] { MirroredStrategy(nullptr); });
  MirroredStrategy patient(world, {.replicas_per_rank = 2, .timeout_seconds = 1e300});
  patient.run([](ReplicaContext& replica) {
    std::vector<float> values(1);
    replica.all_reduce(values, Reduce::sum);
  });
}

void results_may_be_flags(const World& world, int replicas_per_rank) {
  MirroredStrategy strategy(world, {.replicas_per_rank = replicas_per_rank});
  const auto flags =
      strategy.run([](ReplicaContext& replica) { return replica.local_index() == 0; });
  EXPECT_TRUE(flags[0]);
  std::ostringstream stream;
  stream << flags;
  EXPECT_TRUE(
      stream.str().starts_with("PerReplica: {" + std::to_string(flags.replica_id(0)) + ": 1"));
}

}  // namespace

std::vector<Scenario> collective_scenarios() {
  return {{"all_reduce", all_reduce},
          {"repeated_sums", repeated_sums},
          {"variables", variables},
          {"results_and_arguments", results_and_arguments},
          {"gather_along_axes", gather_along_axes},
          {"any_and_broadcast", any_and_broadcast},
          {"says_what_it_is", says_what_it_is},
          {"wrong_options", wrong_options},
          {"results_may_be_flags", results_may_be_flags}};
}

}  // namespace counterpoint
