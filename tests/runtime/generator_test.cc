// Draws: what they give, that spans and tensors and engines agree, and that nothing else moves
// them.
#include "counterpoint/runtime/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <random>
#include <sstream>
#include <thread>
#include <vector>

#include "counterpoint/runtime/global_generator.h"
#include "counterpoint/runtime/stateless.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

std::vector<std::int64_t> words(const Tensor& state) {
  const auto span = state.values<std::int64_t>();
  return {span.begin(), span.end()};
}
using Words = std::vector<std::int64_t>;

TEST(Generator, FirstNormalsAreTheGuides) {
  auto g = Generator::from_seed(1);
  const Tensor z = g.normal<float>({2, 3});
  const std::array<std::uint32_t, 6> want = {0x3ee078f2, 0xbf08ce56, 0xbd9de7fa,
                                             0x3fc86c49, 0xbdcf5409, 0xbe8c8af3};
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(z.values<float>()[i]), want[i]) << i;
  }
  EXPECT_EQ(words(g.state()), (Words{1 + 6 * 256, 0, 0}));
}

TEST(Generator, SpansGetWhatTensorsGet) {
  auto a = Generator::from_seed({3, 4});
  auto b = Generator::from_seed({3, 4});
  const auto same = [](const Tensor& tensor, const auto& filled) {
    using T = std::ranges::range_value_t<decltype(filled)>;
    return std::ranges::equal(tensor.values<T>(), filled);
  };
  std::vector<float> f32(37);
  b.fill_normal(f32, 0.5, 2.0);
  EXPECT_TRUE(same(a.normal<float>({37}, 0.5, 2.0), f32));
  std::array<double, 5> f64{};
  b.fill_uniform(std::span(f64), -3, 4);
  EXPECT_TRUE(same(a.uniform<double>({5}, -3, 4), f64));
  std::vector<BFloat16> bf16(9);
  b.fill_truncated_normal(bf16, 1.0, 0.25);
  EXPECT_TRUE(same(a.truncated_normal<BFloat16>({9}, 1.0, 0.25), bf16));
  std::vector<std::int64_t> i64(6);
  b.fill_uniform(i64, -10, 11);
  EXPECT_TRUE(same(a.uniform<std::int64_t>({6}, -10, 11), i64));
  std::vector<std::uint32_t> u32(7);
  b.fill_uniform_full_int(u32);
  EXPECT_TRUE(same(a.uniform_full_int<std::uint32_t>({7}), u32));
  std::vector<std::int32_t> trials(8);
  b.fill_binomial(trials, 10, 0.3, std::array<std::int64_t, 2>{2, 4});
  EXPECT_TRUE(same(a.binomial<std::int32_t>({2, 4}, 10, 0.3), trials));
  EXPECT_EQ(words(a.state()), words(b.state()));
}

TEST(Generator, ParametersBroadcastAndEnlargeTheResult) {
  auto a = Generator::from_seed(5);
  auto b = Generator::from_seed(5);
  const Tensor mean = Tensor::from<float>({0, 100}, {2, 1});
  const Tensor z = a.normal<float>({3}, mean, 2.0);
  EXPECT_EQ(z.shape(), (Shape{2, 3}));
  const Tensor raw = b.normal<float>({3});
  for (int column = 0; column < 3; ++column) {
    const float scaled = raw.values<float>()[column] * 2.0f;
    EXPECT_EQ(z.values<float>()[column], scaled + 0.0f);
    EXPECT_EQ(z.values<float>()[3 + column], scaled + 100.0f);
  }
  EXPECT_EQ(words(a.state()), words(b.state())) << "only the shape counts for the state";

  // A tensor of doubles is converted to the result's type; uniform scales by maxval - minval.
  auto c = Generator::from_seed(5);
  auto d = Generator::from_seed(5);
  const Tensor low = Tensor::from<double>({-1, 5}, {2});
  const Tensor u = c.uniform<float>({4, 2}, low, 9.0);
  const Tensor unit = d.uniform<float>({4, 2});
  for (int i = 0; i < 8; ++i) {
    const float minval = i % 2 == 0 ? -1.0f : 5.0f;
    const float product = unit.values<float>()[i] * (9.0f - minval);
    EXPECT_EQ(u.values<float>()[i], product + minval);
  }
}

TEST(Generator, UnsignedRangesReachTheTop) {
  auto g = Generator::from_seed(8);
  const std::uint64_t top = ~std::uint64_t{0};
  const Tensor u64 = g.uniform<std::uint64_t>({100}, top - 3, top);
  for (const std::uint64_t x : u64.values<std::uint64_t>()) {
    EXPECT_GE(x, top - 3);
    EXPECT_LT(x, top);
  }
  const Tensor u32 = g.uniform<std::uint32_t>({100}, 4294967290u, 4294967295u);
  for (const std::uint32_t x : u32.values<std::uint32_t>()) {
    EXPECT_GE(x, 4294967290u);
  }
}

TEST(Generator, IsAUniformRandomBitGenerator) {
  static_assert(std::uniform_random_bit_generator<Generator>);
  auto a = Generator::from_seed(6);
  auto b = Generator::from_seed(6);
  EXPECT_EQ(a(), b.uniform_full_int<std::uint64_t>({}).item<std::uint64_t>());
  std::vector<int> items = {1, 2, 3, 4, 5, 6, 7, 8};
  std::shuffle(items.begin(), items.end(), a);
  std::ranges::sort(items);
  EXPECT_EQ(items, (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(Generator, ThreadsThatShareOneGetDistinctNumbers) {
  auto g = Generator::from_seed(9);
  constexpr int kThreads = 4;
  constexpr int kDraws = 500;
  std::vector<std::vector<std::uint64_t>> drawn(kThreads);
  {
    std::vector<std::jthread> threads;
    for (auto& mine : drawn) {
      threads.emplace_back([&] {
        for (int i = 0; i < kDraws; ++i) mine.push_back(g());
      });
    }
  }
  std::vector<std::uint64_t> all;
  for (const auto& mine : drawn) all.insert(all.end(), mine.begin(), mine.end());
  std::ranges::sort(all);
  EXPECT_TRUE(std::ranges::adjacent_find(all) == all.end());
  auto alone = Generator::from_seed(9);
  std::vector<std::uint64_t> one_by_one(all.size());
  for (auto& x : one_by_one) x = alone();
  std::ranges::sort(one_by_one);
  EXPECT_EQ(all, one_by_one);
}

TEST(Generator, ForReplicaGivesThatReplicasKeyAndMovesNothing) {
  auto g = Generator::from_seed(1);
  auto first = g.for_replica(0);
  auto second = g.for_replica(1);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(first.normal<float>({}).item<float>()), 0xbf611a19u);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(second.normal<float>({}).item<float>()), 0x3ca94276u);
  EXPECT_EQ(words(g.state()), (Words{1, 0, 0}));
  expect_error(ErrorCode::invalid_argument, {"-1"}, [&] { (void)g.for_replica(-1); });
}

TEST(GlobalGenerator, IsOneForTheProcessAndReplaceable) {
  set_global_generator(Generator::from_seed(1));
  const float first = get_global_generator().normal<float>({}).item<float>();
  EXPECT_EQ(std::bit_cast<std::uint32_t>(first), 0x3ee078f2u);
  auto held = get_global_generator();
  set_global_generator(Generator::from_seed(1));
  EXPECT_EQ(words(held.state()), (Words{257, 0, 0}));
  EXPECT_EQ(words(get_global_generator().state()), (Words{1, 0, 0}));
}

TEST(StatelessShuffle, IsTensorFlows) {
  std::vector<std::int64_t> order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  stateless_shuffle(std::span(order), {1, 2});
  EXPECT_EQ(order, (std::vector<std::int64_t>{0, 3, 8, 1, 5, 4, 9, 7, 6, 2}));

  Tensor rows(DType::f32, {10, 2});
  for (int i = 0; i < 20; ++i) rows.values<float>()[i] = static_cast<float>(i);
  const Tensor shuffled = stateless_shuffle(rows, {1, 2});
  EXPECT_EQ(shuffled.values<float>()[2], 6.0f);
  EXPECT_EQ(shuffled.values<float>()[3], 7.0f);

  // More items than the words that are drawn at once: every item stays, and no prefix depends on
  // how.
  std::vector<int> many(1000);
  for (int i = 0; i < 1000; ++i) many[static_cast<std::size_t>(i)] = i;
  stateless_shuffle(std::span(many), {7, 8});
  EXPECT_FALSE(std::ranges::is_sorted(many));
  std::ranges::sort(many);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(many[static_cast<std::size_t>(i)], i);
  expect_error(ErrorCode::invalid_argument, {"scalar"}, [] {
    stateless_shuffle(Tensor::scalar(1.0f), {1, 2});
  });
}

TEST(Generator, PrintsItsState) {
  std::ostringstream stream;
  stream << Generator::from_seed({1, 2, 3});
  EXPECT_EQ(stream.str(), "philox generator, counter 1 2, key 3");
}

}  // namespace
}  // namespace counterpoint
