// Draws of a few values through Generator: what a program pays for a call, plain and as the replica
// of a strategy, beside what others take for as many.
#include <random>

#include "benchmarks.h"
#include "counterpoint/counterpoint.h"

namespace counterpoint::bench {
namespace {

constexpr std::size_t kMost = 64;

// Draws once, compares with what the kernels give, then measures.
template <class T, class Draw>
void measure(benchmark::State& state, Generator& generator, kernels::Distribution distribution,
             std::size_t count, Draw draw) {
  T out[kMost];
  T expected[kMost];
  const Tensor words = generator.state();
  const std::span<const std::int64_t> before = words.values<std::int64_t>();
  const bool philox = generator.algorithm() == Algorithm::philox;
  const auto shape = static_cast<std::int64_t>(count);
  generator.definition().fill({.distribution = distribution,
                               .dtype = dtype_of<T>,
                               .shape = std::span(&shape, 1),
                               .key = static_cast<std::uint64_t>(before.back()),
                               .counter = {static_cast<std::uint64_t>(before[0]),
                                           philox ? static_cast<std::uint64_t>(before[1]) : 0},
                               .output = expected,
                               .count = count});
  draw(std::span(out, count));
  if (!std::equal(out, out + count, expected)) {
    state.SkipWithError("wrong numbers: nothing was measured");
    return;
  }
  for (auto _ : state) {
    draw(std::span(out, count));
    benchmark::ClobberMemory();
  }
}

void normals(benchmark::State& state, Algorithm algorithm, std::size_t count) {
  auto noise = Generator::from_seed(1, algorithm);
  measure<float>(state, noise, kernels::Distribution::normal, count,
                 [&](std::span<float> out) { noise.fill_normal(out); });
}

void normals_of_a_replica(benchmark::State& state, std::size_t count) {
  MirroredStrategy strategy({.replicas_per_rank = 1});
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  // A replica's numbers are those of a plain generator with its key.
  auto plain = noise.for_replica(0);
  strategy.run([&](ReplicaContext&) {
    measure<float>(state, plain, kernels::Distribution::normal, count,
                   [&](std::span<float> out) { noise.fill_normal(out); });
  });
}

void tensor_of_one_normal(benchmark::State& state) {
  auto noise = Generator::from_seed(1);
  measure<float>(state, noise, kernels::Distribution::normal, 1,
                 [&](std::span<float> out) { out[0] = noise.normal<float>({}).item<float>(); });
}

void one_word(benchmark::State& state) {
  auto noise = Generator::from_seed(1);
  measure<std::uint64_t>(state, noise, kernels::Distribution::uniform_full_int, 1,
                         [&](std::span<std::uint64_t> out) { out[0] = noise(); });
}

void standard_normals(benchmark::State& state, std::size_t count) {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  float out[kMost];
  for (auto _ : state) {
    for (std::size_t i = 0; i < count; ++i) out[i] = normal(engine);
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(out);
  }
}

const bool kAdded = Suites::add([](bool) {
  for (const std::size_t count : {0u, 1u, 4u, 16u, 64u}) {
    const std::string name = "draws/" + std::to_string(count) + "_normals_f32/";
    const auto add = [&](const char* who, auto run) {
      benchmark::RegisterBenchmark((name + who).c_str(), run);
    };
    add("Generator", [count](auto& state) { normals(state, Algorithm::philox, count); });
    add("Generator_in_run", [count](auto& state) { normals_of_a_replica(state, count); });
    add("Generator_threefry", [count](auto& state) { normals(state, Algorithm::threefry, count); });
    if (count > 0) {
      add("std::mt19937", [count](auto& state) { standard_normals(state, count); });
    }
  }
  benchmark::RegisterBenchmark("draws/1_normals_f32/Generator_tensor", tensor_of_one_normal);
  benchmark::RegisterBenchmark("draws/1_words_u64/Generator", one_word);
});

}  // namespace
}  // namespace counterpoint::bench
