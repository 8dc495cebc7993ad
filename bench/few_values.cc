// Draws of a few values: what a call costs.
#include "benchmarks.h"
#include "counterpoint/kernels/targets.h"

namespace counterpoint::bench {
namespace {

void register_few_values(bool) {
  using kernels::Distribution;
  const std::pair<const char*, Distribution> kinds[] = {
      {"uniform", Distribution::uniform},
      {"normal", Distribution::normal},
      {"truncated_normal", Distribution::truncated_normal}};
  for (const auto& [kind, distribution] : kinds) {
    for (const std::uint64_t count : {1u, 4u, 16u, 64u, 256u}) {
      const std::string name = std::string(kind) + "/f32/few/" + std::to_string(count);
      benchmark::RegisterBenchmark(name.c_str(), [distribution, count](benchmark::State& state) {
        std::vector<float> out(count);
        std::vector<float> expected(count);
        kernels::Fill fill{.distribution = distribution,
                           .dtype = DType::f32,
                           .key = 7,
                           .scaled = true,
                           .scale = 2,
                           .offset = 1,
                           .output = expected.data(),
                           .count = count};
        kernels::philox_scalar_stream().fill(fill);
        fill.output = out.data();
        kernels::philox_stream().fill(fill);
        if (out != expected) {
          state.SkipWithError("wrong numbers: nothing was measured");
          return;
        }
        for (auto _ : state) {
          kernels::philox_stream().fill(fill);
          benchmark::ClobberMemory();
          fill.counter = fill.counter + 256 * count;
        }
      });
    }
  }
}

const bool kAdded = Suites::add(register_few_values);

}  // namespace
}  // namespace counterpoint::bench
