// ThreeFry wherever Philox is: states of two words, replicas, splits, checkpoints, broadcast
// parameters. Its recorded numbers are replayed from tests/golden/threefry.json.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "runtime/own_folder.h"

namespace counterpoint {
namespace {

using Words = std::vector<std::int64_t>;

Words state(const Generator& g) {
  const Tensor tensor = g.state();
  const auto span = tensor.values<std::int64_t>();
  return {span.begin(), span.end()};
}

TEST(Threefry, StatesHaveTwoWords) {
  EXPECT_EQ(state(Generator::from_seed(1, "ThreeFry")), (Words{1, 0}));
  EXPECT_EQ(state(Generator::from_seed(Seed::integer("18446744073709551621"), "threefry")),
            (Words{5, 1}));
  EXPECT_EQ(state(Generator::from_seed({9}, Algorithm::threefry)), (Words{0, 9}));
  EXPECT_EQ(state(Generator::from_seed({1, 2, 3}, 2)), (Words{1, 2}));
  auto g = Generator::from_key_counter(7, std::array<std::int64_t, 1>{-1},
                                       {.algorithm = Algorithm::threefry});
  EXPECT_EQ(g.algorithm(), Algorithm::threefry);
  EXPECT_EQ(g.key(), 7);
  (void)g.uniform_full_int<std::uint32_t>({2, 3});
  EXPECT_EQ(state(g), (Words{6 * 256 - 1, 7}));  // the counter wraps
  g.skip(-6);
  EXPECT_EQ(state(g), (Words{-1, 7}));
  EXPECT_EQ(state(Generator::from_non_deterministic_state({.algorithm = "threefry"})).size(), 2u);
  expect_error(ErrorCode::invalid_argument, {"threefry", "2 words", "not 3"}, [&] {
    g.reset(std::array<std::int64_t, 3>{1, 2, 3});
  });
  expect_error(ErrorCode::invalid_argument, {"binomial", "threefry", "Philox"},
               [&] { (void)g.binomial<int>({2}, 3, 0.5); });
  EXPECT_EQ(state(g), (Words{-1, 7}));
}

// docs/streams.md sections 2 and 4: key words 1 and 2, the u64 of counters 0 to 2.
TEST(Threefry, ItsTable) {
  const StreamDefinition& threefry = kernels::threefry_stream();
  constexpr std::uint64_t kKey = std::uint64_t{2} << 32 | 1;
  EXPECT_EQ(threefry.derive_key(kKey, 0), 0x8bb042e4257edf33u);
  EXPECT_EQ(threefry.derive_key(kKey, 1), 0x4836b2f187639233u);
  EXPECT_EQ(threefry.derive_key(kKey, 2), 0xa53c05d296a633a7u);
  const auto advanced = [&](std::uint64_t counter, std::uint64_t blocks) {
    const kernels::Counter after = threefry.advance({.low = counter, .high = 0}, blocks);
    EXPECT_EQ(after.high, 0u);
    return after.low;
  };
  EXPECT_EQ(advanced(1, 512), 513u);
  EXPECT_EQ(advanced(~std::uint64_t{0}, 2), 1u);
  EXPECT_EQ(advanced(std::uint64_t{1} << 32, ~std::uint64_t{0}), 0xffffffffu);

  using kernels::Distribution;
  const auto supported = [&](Distribution distribution) {
    std::string names;
    for (const DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64, DType::i32,
                              DType::i64, DType::u32, DType::u64}) {
      if (threefry.supports(distribution, dtype)) names += std::string(dtype_name(dtype)) + " ";
    }
    return names;
  };
  EXPECT_EQ(supported(Distribution::uniform_full_int), "i32 i64 u32 u64 ");
  EXPECT_EQ(supported(Distribution::uniform_int), "i32 i64 u32 u64 ");
  EXPECT_EQ(supported(Distribution::uniform), "f16 bf16 f32 f64 ");
  EXPECT_EQ(supported(Distribution::normal), "f16 bf16 f32 f64 ");
  EXPECT_EQ(supported(Distribution::truncated_normal), "f32 ");
}

TEST(Threefry, FirstDrawsAreRecorded) {
  auto g = Generator::from_seed(1, Algorithm::threefry);
  const Tensor drawn = g.uniform_full_int<std::uint32_t>({2});
  EXPECT_EQ(drawn.item<std::uint32_t>(0), 1351547692u);
  EXPECT_EQ(drawn.item<std::uint32_t>(1), 3235790642u);
  EXPECT_EQ(state(g), (Words{513, 0}));
}

TEST(Threefry, ChildrenHaveTheKeysThatMakeSeedsGives) {
  auto a = Generator::from_seed(3, Algorithm::threefry);
  auto b = Generator::from_seed(3, Algorithm::threefry);
  const Tensor seeds = a.make_seeds(3);
  std::vector<Generator> children = b.split(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(state(children[static_cast<std::size_t>(i)]),
              (Words{0, seeds.item<std::int64_t>(i)}));
  }
  EXPECT_EQ(children[0].split(2).size(), 2u);
  EXPECT_EQ(state(a), state(b));
}

// One rounding, for tensors of parameters as for numbers.
TEST(Threefry, BroadcastParametersAreFusedToo) {
  const auto same = [](DType dtype, double mean, double stddev) {
    auto a = Generator::from_seed({1, 2}, Algorithm::threefry);
    auto b = Generator::from_seed({1, 2}, Algorithm::threefry);
    const Tensor numbers = a.normal({1001}, mean, stddev, dtype);
    const Tensor tensors = b.normal({1001}, Tensor::from<double>({mean}, {1}), stddev, dtype);
    return std::ranges::equal(numbers.bytes(), tensors.bytes());
  };
  for (const DType dtype : {DType::f16, DType::bf16, DType::f32, DType::f64}) {
    EXPECT_TRUE(same(dtype, 0.7, 1.3)) << dtype_name(dtype);
  }
}

// Recorded from XLA by tests/oracle/threefry_truncated.py. Over all 2^23 uniforms, 99.1 % are equal and 0.07 %
// are 3 ULP apart, none further.
TEST(Threefry, TruncatedNormalsAreWithin3UlpOfXlas) {
  std::ifstream file(std::string(COUNTERPOINT_SOURCE_DIR) +
                     "/tests/golden_beyond/threefry_truncated.json");
  const auto cases = nlohmann::json::parse(file).at("cases");
  int values = 0;
  int equal = 0;
  const auto ordered = [](float x) {
    const auto bits = std::bit_cast<std::int32_t>(x);
    return std::int64_t{bits < 0 ? -(bits & 0x7fffffff) : bits};
  };
  for (const auto& known : cases) {
    const auto seed = known.at("seed").get<std::array<std::int64_t, 2>>();
    const Tensor drawn = stateless_truncated_normal<float>(
        known.at("shape").get<Shape>(), {seed[0], seed[1]}, 0.0, 1.0, Algorithm::threefry);
    const auto& want = known.at("want");
    ASSERT_EQ(static_cast<std::size_t>(drawn.size()), want.size());
    for (std::int64_t i = 0; i < drawn.size(); ++i, ++values) {
      const auto bits = static_cast<std::uint32_t>(
          std::stoul(want[static_cast<std::size_t>(i)].get<std::string>(), nullptr, 16));
      const std::int64_t far = ordered(drawn.item<float>(i)) - ordered(std::bit_cast<float>(bits));
      ASSERT_LE(std::abs(far), 3) << "seed " << seed[0] << ", " << seed[1] << ", element " << i;
      equal += far == 0 ? 1 : 0;
    }
  }
  EXPECT_EQ(values, 6000);
  EXPECT_GT(equal, 5800);
}

TEST(Threefry, ReplicasAndCheckpointsOfAnySize) {
  const OwnFolder folder;
  const std::string file = folder.file("threefry.h5");
  std::vector<float> want(3);
  {
    MirroredStrategy strategy({.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    auto g = Generator::from_seed(1, Algorithm::threefry);
    strategy.run([&](ReplicaContext&) { (void)g.normal<float>({2, 3}); });
    Checkpoint(Communicator::world(), {{"g", g}}).save(file);
    for (std::size_t r = 0; r < 3; ++r) {
      auto stream = g.for_replica(static_cast<std::int64_t>(r));
      want[r] = stream.normal<float>({}).item<float>();
    }
  }
  MirroredStrategy strategy({.replicas_per_rank = 3});
  const auto scope = strategy.scope();
  auto g = Generator::from_seed(77, Algorithm::threefry);
  auto philox = Generator::from_seed(77);
  Checkpoint(Communicator::world(), {{"g", g}}).restore(file);
  EXPECT_EQ(state(g), (Words{1 + 6 * 256, 0}));
  std::vector<float> got(3);
  strategy.run([&](ReplicaContext& replica) {
    got[static_cast<std::size_t>(replica.replica_id())] = g.normal<float>({}).item<float>();
  });
  EXPECT_EQ(got, want);
  EXPECT_NE(got[0], got[1]);
  expect_error(ErrorCode::invalid_argument, {"threefry", "philox"}, [&] {
    Checkpoint(Communicator::world(), {{"g", philox}}).restore(file);
  });
}

}  // namespace
}  // namespace counterpoint
