// How generators are made and how their states move (docs/streams.md sections 3 to 5).
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <vector>

#include "counterpoint/runtime/generator.h"
#include "runtime/expect_error.h"

namespace counterpoint {
namespace {

using Words = std::vector<std::int64_t>;
Words words(const Generator& generator) {
  const Tensor state = generator.state();
  const auto span = state.values<std::int64_t>();
  return {span.begin(), span.end()};
}

TEST(GeneratorState, EveryWayToMakeOne) {
  EXPECT_EQ(words(Generator::from_seed(5)), (Words{5, 0, 0}));
  EXPECT_EQ(words(Generator::from_seed({4, 5, 6}, Algorithm::philox)), (Words{4, 5, 6}));
  EXPECT_EQ(words(Generator::from_state(Words{7, 8, 9})), (Words{7, 8, 9}));
  EXPECT_EQ(words(Generator::from_state(Tensor::from<std::int64_t>({7, 8, 9}, {3}))),
            (Words{7, 8, 9}));
  EXPECT_EQ(words(Generator::from_key_counter(11, Words{1, 2})), (Words{1, 2, 11}));
  auto original = Generator::from_seed(5);
  (void)original.normal<float>({3});
  auto copy = Generator::copy_of(original);
  EXPECT_EQ(words(copy), words(original));
  (void)copy.normal<float>({1});
  EXPECT_EQ(words(original), (Words{5 + 768, 0, 0})) << "a copy is a generator of its own";
  EXPECT_NE(words(Generator::from_non_deterministic_state()),
            words(Generator::from_non_deterministic_state()));
  EXPECT_EQ(original.key(), 0);
  EXPECT_EQ(original.algorithm(), Algorithm::philox);
}

TEST(GeneratorState, EveryDrawMovesBy256AnElement) {
  auto g = Generator::from_seed(0);
  std::int64_t at = 0;
  const auto moved = [&](std::int64_t elements) {
    at += 256 * elements;
    EXPECT_EQ(words(g), (Words{at, 0, 0}));
  };
  (void)g.normal<float>({2, 3});
  moved(6);
  (void)g.truncated_normal<double>({5});
  moved(5);
  (void)g.uniform<Float16>({});
  moved(1);
  (void)g.uniform<std::int32_t>({4}, 0, 9);
  moved(4);
  (void)g.uniform_full_int<std::uint64_t>({3});
  moved(3);
  (void)g.make_seeds(2);
  moved(2);
  (void)g.split(3);
  moved(3);
  g.skip(10);
  moved(10);
  (void)g.normal<float>({0, 7});
  moved(0);
  (void)g();
  moved(1);
}

TEST(GeneratorState, BinomialMovesAsTensorFlows) {
  const auto moves = [](const Shape& shape, const Parameter& counts, const Parameter& probs) {
    auto g = Generator::from_seed(0);
    (void)g.binomial<std::int32_t>(shape, counts, probs);
    return words(g)[0];
  };
  EXPECT_EQ(moves({8}, 10, 0.5), 140800);
  const Tensor three = Tensor::from<float>({5, 50, 500}, {3});
  EXPECT_EQ(moves({2, 3}, three, 0.5), 192000);
  EXPECT_EQ(moves({}, 10, 0.5), 200 * 256);
  EXPECT_EQ(moves({0}, 10, 0.5), 150 * 256) << "empty binomials advance";
  EXPECT_EQ(moves({0, 3}, three, 0.5), 450 * 256);
}

TEST(GeneratorState, CountersCarryAndLoseOneCarryAsTensorFlow) {
  const auto after_skip = [](const Words& state, std::int64_t elements) {
    auto g = Generator::from_state(state);
    g.skip(elements);
    return words(g);
  };
  EXPECT_EQ(after_skip({-1, 0, 9}, 1), (Words{255, 1, 9}));
  EXPECT_EQ(after_skip({-1, -1, 9}, 1), (Words{255, 0, 9}));
  EXPECT_EQ(after_skip({1000, 0, 9}, -3), (Words{232, 0, 9}));
  const std::int64_t five = std::int64_t{5} << 32;
  EXPECT_EQ(after_skip({five, 0, 9}, -3), (Words{five - 768, 1, 9}));
  EXPECT_EQ(after_skip({3, 4, 5}, std::int64_t{1} << 56), (Words{3, 4, 5}));
}

TEST(GeneratorState, ResetsOverwrite) {
  auto g = Generator::from_seed(1);
  g.reset(Words{1, 2, 3});
  EXPECT_EQ(words(g), (Words{1, 2, 3}));
  g.reset_from_seed({8, 9});
  EXPECT_EQ(words(g), (Words{0, 8, 9}));
  g.reset_from_key_counter(4, Words{5, 6});
  EXPECT_EQ(words(g), (Words{5, 6, 4}));
}

TEST(GeneratorState, SplitGivesTheKeysOfMakeSeeds) {
  auto g = Generator::from_seed(1);
  auto h = Generator::from_seed(1);
  const Tensor seeds = g.make_seeds(2);
  EXPECT_EQ(seeds.shape(), (Shape{2, 2}));
  EXPECT_EQ(seeds.values<std::int64_t>()[0], 6679402142117448868);
  EXPECT_EQ(seeds.values<std::int64_t>()[1], 684265014234019051);
  EXPECT_EQ(seeds.values<std::int64_t>()[2], 0);
  auto children = h.split(2);
  EXPECT_EQ(words(children[0]), (Words{0, 0, 6679402142117448868}));
  EXPECT_EQ(words(children[1]), (Words{0, 0, 684265014234019051}));
  EXPECT_EQ(words(h), (Words{513, 0, 0}));
  EXPECT_EQ(children[0].split(2).size(), 2u);
  EXPECT_TRUE(h.split(0).empty());
}

// The laws of skip: skips add up, and skipping what a draw takes leaves the state of the draw.
TEST(GeneratorState, SkipsAddUp) {
  for (const std::int64_t a : {0, 1, 17, 1 << 20}) {
    for (const std::int64_t b : {0, 3, 99}) {
      auto once = Generator::from_state(Words{-1000, 3, 4});
      auto twice = Generator::from_state(Words{-1000, 3, 4});
      once.skip(a + b);
      twice.skip(a);
      twice.skip(b);
      EXPECT_EQ(words(once), words(twice));
    }
  }
}

}  // namespace
}  // namespace counterpoint
