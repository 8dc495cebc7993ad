// An algorithm is one table that all else is written against: a third one, made here, serves
// generators, splits, replicas, checkpoints and stateless functions without another line of the
// library.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/kernels/stream_definition.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/reuse_detector.h"
#include "counterpoint/runtime/sharded_draws.h"
#include "counterpoint/runtime/stateless.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "runtime/expect_error.h"
#include "runtime/own_folder.h"

namespace counterpoint {
namespace {

using kernels::Counter;
using kernels::Distribution;
using kernels::Fill;

// Element i of a draw is counter + i, with the key above it: easy to predict.
std::uint64_t toy_word(std::uint64_t key, std::uint64_t counter) {
  return key << 32 | (counter & 0xffffffffu);
}

constexpr StreamDefinition kToy = {
    .name = "toy",
    .id = 77,
    .counter_words = 1,
    .words_per_block = 2,
    .advance = [](Counter counter, std::uint64_t blocks) { return counter + blocks; },
    .derive_key = [](std::uint64_t key, std::uint64_t replica) { return key + 100 + replica; },
    .scramble_seed =
        [](const std::int64_t seed[2], std::uint64_t* key, Counter* counter) {
          *key = static_cast<std::uint64_t>(seed[0]);
          *counter = {.low = static_cast<std::uint64_t>(seed[1]), .high = 0};
        },
    .supports =
        [](Distribution distribution, DType dtype) {
          return distribution == Distribution::uniform_full_int && dtype_size(dtype) == 8 &&
                 !is_floating(dtype);
        },
    .fill =
        [](const Fill& fill) {
          auto* out = static_cast<std::uint64_t*>(fill.output);
          for (std::uint64_t i = 0; i < fill.count; ++i) {
            out[i] = toy_word(fill.key, fill.counter.low + fill.first_element + i);
          }
        },
};

using Words = std::vector<std::uint64_t>;

Words words(const Tensor& tensor) {
  const auto span = tensor.values<std::uint64_t>();
  return {span.begin(), span.end()};
}

Words state(const Generator& g) {
  const Tensor tensor = g.state();
  const auto span = tensor.values<std::int64_t>();
  return {span.begin(), span.end()};
}

TEST(ToyAlgorithm, Generators) {
  auto g = Generator::from_state(std::array<std::int64_t, 2>{5, 3}, {.algorithm = kToy});
  EXPECT_EQ(words(g.uniform_full_int<std::uint64_t>({2})), (Words{toy_word(3, 5), toy_word(3, 6)}));
  EXPECT_EQ(state(g), (Words{5 + 512, 3}));
  EXPECT_EQ(g.to_string(), "toy generator, counter 517, key 3");
  EXPECT_EQ(state(Generator::from_seed({9}, kToy)), (Words{0, 9}));
  const std::vector<Generator> children = g.split(2);
  EXPECT_EQ(state(children[1]), (Words{0, toy_word(3, 518)}));
  expect_error(ErrorCode::invalid_argument, {"toy", "2 words", "not 3"}, [] {
    (void)Generator::from_state(std::array<std::int64_t, 3>{1, 2, 3}, {.algorithm = kToy});
  });
  expect_error(ErrorCode::invalid_argument, {"toy", "normal", "f32"},
               [&] { (void)g.normal<float>({2}); });
}

TEST(ToyAlgorithm, StatelessFunctions) {
  EXPECT_EQ(words(stateless_uniform_full_int<std::uint64_t>({2}, {4, 7}, kToy)),
            (Words{toy_word(4, 7), toy_word(4, 8)}));
  EXPECT_EQ(fold_in({4, 7}, std::int64_t{1}, kToy)[0], static_cast<std::int64_t>(toy_word(4, 7)));
  expect_error(ErrorCode::invalid_argument, {"gamma", "toy"}, [] {
    (void)stateless_gamma<float>({2}, {1, 2}, 1, 1, kToy);
  });
}

TEST(ToyAlgorithm, SharedAndSeparatedStreams) {
  const ReuseDetector detector;
  MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  auto g = Generator::from_state(std::array<std::int64_t, 2>{5, 3},
                                 {.algorithm = kToy, .streams = StreamLayout::identical()});
  auto copy = Generator::from_state(std::array<std::int64_t, 2>{5, 3}, {.algorithm = kToy});
  std::array<Words, 2> rows;
  strategy.run([&](ReplicaContext& replica) {
    const auto id = static_cast<std::size_t>(replica.replica_id());
    rows[id] = words(g.sharded().uniform_full_int<std::uint64_t>({2}));
    EXPECT_EQ(g(), toy_word(3, 5 + 512));
  });
  EXPECT_EQ(rows, (std::array<Words, 2>{Words{toy_word(3, 5)}, Words{toy_word(3, 6)}}));
  EXPECT_EQ(state(copy.for_replica(1)), (Words{5, 104}));
  expect_error(ErrorCode::failed_precondition, {"the toy stream of key 3", "blocks 5 to 260"},
               [&] { (void)copy(); });

  auto parent = Generator::from_state(std::array<std::int64_t, 2>{5, 4}, {.algorithm = kToy});
  const std::vector<Generator> children = parent.split_separated(2);
  const std::uint64_t hashed = kToy.derive_key(0x7365706172617465u, 4);
  EXPECT_EQ(state(children[1]), (Words{0, toy_word(hashed, 6)}));
}

TEST(ToyAlgorithm, ReplicasAndCheckpoints) {
  const OwnFolder folder;
  const std::string file = folder.file("toy_algorithm.h5");
  MirroredStrategy strategy({.replicas_per_rank = 2});
  const auto scope = strategy.scope();
  auto g = Generator::from_state(std::array<std::int64_t, 2>{5, 3}, {.algorithm = kToy});
  std::array<std::uint64_t, 2> drawn{};
  const auto draw = [&](ReplicaContext& replica) {
    drawn[static_cast<std::size_t>(replica.replica_id())] = g();
  };
  strategy.run(draw);
  EXPECT_EQ(drawn, (std::array<std::uint64_t, 2>{toy_word(103, 5), toy_word(104, 5)}));

  Checkpoint checkpoint(Communicator::world(), {{"g", g}});
  checkpoint.save(file);
  strategy.run(draw);
  checkpoint.restore(file);
  EXPECT_EQ(state(g), (Words{5 + 256, 3}));
  strategy.run(draw);
  EXPECT_EQ(drawn, (std::array<std::uint64_t, 2>{toy_word(103, 261), toy_word(104, 261)}));
}

bool last_was_scaled = false;

// What scaling cannot change is not scaled, which takes half-precision uniforms longer than drawing.
TEST(ToyAlgorithm, StandardUniformsAreNotScaled) {
  for (const StreamDefinition* stream : {&kernels::philox_stream(), &kernels::threefry_stream()}) {
    static void (*draw)(const Fill&) = nullptr;
    draw = stream->fill;
    StreamDefinition watched = *stream;
    watched.fill = [](const Fill& fill) {
      last_was_scaled = fill.scaled;
      draw(fill);
    };
    auto g = Generator::from_seed({1}, watched);
    auto plain = Generator::from_seed({1}, *stream);
    const auto expect_scaled = [&](double low, double high, bool scaled) {
      const Tensor drawn = g.uniform<BFloat16>({100}, low, high);
      EXPECT_EQ(last_was_scaled, scaled) << low << " " << high;
      (void)g.uniform<float>({3}, low, high);
      EXPECT_EQ(last_was_scaled, scaled) << low << " " << high;
      const Tensor expected = plain.uniform<BFloat16>({100}, low, high);
      (void)plain.uniform<float>({3}, low, high);
      for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(drawn.values<BFloat16>()[i].bits, expected.values<BFloat16>()[i].bits);
      }
    };
    expect_scaled(0, 1, false);
    expect_scaled(-0.0, 1, true);
    expect_scaled(0, 2, true);
    expect_scaled(1, 2, true);
    // A normal may be -0, which adding 0 makes 0.
    (void)g.normal<float>({3}, 0, 1);
    EXPECT_TRUE(last_was_scaled);
  }
}

}  // namespace
}  // namespace counterpoint
