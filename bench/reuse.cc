// What watching for reuse costs a draw: unwatched, where one pointer is checked, and watched.
// reuse/<unwatched or watched>/<what>, per draw.
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/runtime/reuse_detector.h"

namespace counterpoint::bench {
namespace {

constexpr std::uint64_t kFirstWord = 0xc42eb78bd72b34eu;

// The first word of from_seed({1, 2, 9}), so that what is timed is what is meant.
bool is_right(Generator& g) { return g() == kFirstWord; }

// One value a draw; `streams` generators in turn, as of a program with as many.
void draw_one(benchmark::State& state, bool watched, std::size_t streams) {
  std::unique_ptr<ReuseDetector> detector;
  if (watched) detector = std::make_unique<ReuseDetector>();
  std::vector<Generator> generators;
  for (std::size_t i = 0; i < streams; ++i) {
    generators.push_back(Generator::from_seed({1, 2, static_cast<std::int64_t>(9 + i)}));
  }
  if (!is_right(generators[0])) {
    state.SkipWithError("wrong numbers: nothing was measured");
    return;
  }
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(generators[at]());
    if (++at == streams) at = 0;
  }
  if (watched && detector->num_ranges() > streams) {  // one a generator
    state.SkipWithError("memory is not flat");
  }
  count_values(state, 1);
}

void fill_many(benchmark::State& state, bool watched) {
  std::unique_ptr<ReuseDetector> detector;
  if (watched) detector = std::make_unique<ReuseDetector>();
  auto g = Generator::from_seed({1, 2, 9});
  if (!is_right(g)) {
    state.SkipWithError("wrong numbers: nothing was measured");
    return;
  }
  std::array<float, 1024> out{};
  for (auto _ : state) {
    g.fill_normal(out);
    benchmark::DoNotOptimize(out.data());
  }
  count_values(state, 1);
}

const bool kAdded = Suites::add([](bool /*small*/) {
  for (const bool watched : {false, true}) {
    const std::string name = watched ? "reuse/watched/" : "reuse/unwatched/";
    benchmark::RegisterBenchmark((name + "one_u64").c_str(), draw_one, watched, 1u);
    benchmark::RegisterBenchmark((name + "one_u64_of_1000_streams").c_str(), draw_one, watched,
                                 1000u);
    benchmark::RegisterBenchmark((name + "1024_normals").c_str(), fill_many, watched);
  }
});

}  // namespace
}  // namespace counterpoint::bench
