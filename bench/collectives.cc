// What a collective of ours costs beside bare MPI's, for a few bytes and for a gradient.
#include <mpi.h>

#include <algorithm>

#include "ranks.h"

namespace counterpoint::bench {
namespace {

// `reduce(values)` adds each value over the ranks; all ranks' values are 1, 2, 3, ...
template <class AllReduce>
void measure(benchmark::State& state, std::size_t count, AllReduce reduce) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i % 1000 + 1);
  const std::vector<float> before = values;
  reduce(std::span(values));
  bool right = true;
  for (std::size_t i = 0; i < count; ++i) {
    right = right && values[i] == before[i] * static_cast<float>(world()->size());
  }
  if (!right) {  // the same on every rank
    state.SkipWithError("wrong sums: nothing was measured");
    return;
  }
  std::fill(values.begin(), values.end(), 0.0f);
  for (auto _ : state) reduce(std::span(values));
}

void register_collectives(bool small) {
  const std::pair<const char*, std::size_t> sizes[] = {
      {"64_B", 16}, {"64_KiB", 1 << 14}, {"1_MiB", 1 << 18}, {"16_MiB", 1 << 22}};
  for (const auto& [size, count] : sizes) {
    const std::string name = std::string("collectives/all_reduce/") + size + "/";
    const int iterations =
        small ? 10 : static_cast<int>(std::clamp((1 << 28) / count, 100UL, 20000UL));
    benchmark::RegisterBenchmark((name + "ours").c_str(), [count = count](benchmark::State& state) {
      measure(state, count,
              [](std::span<float> values) { world()->all_reduce(values, Reduce::sum); });
    })->Iterations(iterations);
    int mpi = 0;
    MPI_Initialized(&mpi);
    if (mpi == 0) continue;
    benchmark::RegisterBenchmark((name + "MPI").c_str(), [count = count](benchmark::State& state) {
      measure(state, count, [](std::span<float> values) {
        MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_FLOAT,
                      MPI_SUM, MPI_COMM_WORLD);
      });
    })->Iterations(iterations);
  }
}

const bool kAdded = Suites::add(register_collectives);

}  // namespace
}  // namespace counterpoint::bench
