// What it costs that a save finds values that differ between ranks: the time of the fingerprints
// of all values, of the save of a GiB that they precede, and `share` of the one in the other
// (medians); and the processor's time of both. A difference of one bit on one rank must be found. TMPDIR says on which disk to save.
#include <cmath>
#include <ctime>
#include <limits>

#include "counterpoint/counterpoint.h"
#include "disk.h"

namespace counterpoint::bench {
namespace {

// Of all threads of this rank.
double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

void ensure_in_step(const NamedObjects& objects) {
  for (const NamedObject& named : objects) named.object->ensure_in_step();
}

// All ranks but the first change one bit of the last value.
bool finds_a_bit(MirroredStrategy& strategy, MirroredVariable& variable,
                 const NamedObjects& objects) {
  Tensor values = variable.value();
  strategy.run([&](ReplicaContext& replica) {
    float& last = values.values<float>().back();
    if (replica.replica_id() != 0) last = std::nextafter(last, std::numeric_limits<float>::max());
    variable.assign(std::span<const float>(values.values<float>()));
  });
  try {
    ensure_in_step(objects);
    return world()->size() == 1;
  } catch (const Error& error) {
    return error.code() == ErrorCode::diverged;
  }
}

void compare_values(benchmark::State& state, std::int64_t mib) {
  const Scratch folder;
  MirroredStrategy strategy(world());
  const auto scope = strategy.scope();
  std::vector<MirroredVariable> variables;
  NamedObjects objects;
  const std::int64_t each = std::min<std::int64_t>(64, mib);
  for (std::int64_t begin = 0; begin < mib; begin += each) {
    variables.push_back(strategy.variable<float>({each << 18}));
    objects.emplace_back("variable" + std::to_string(begin), variables.back());
  }
  Checkpoint checkpoint(world(), objects);
  std::vector<double> compared;
  std::vector<double> saved;
  std::vector<double> compared_cpu;
  std::vector<double> saved_cpu;
  for (auto _ : state) {
    folder.settle();
    const double start = processor_seconds();
    compared.push_back(seconds_of([&] { ensure_in_step(objects); }));
    compared_cpu.push_back(processor_seconds() - start);
    folder.settle();
    const double save_start = processor_seconds();
    saved.push_back(seconds_of([&] { checkpoint.save(folder / "saved.h5"); }));
    saved_cpu.push_back(processor_seconds() - save_start);
    state.SetIterationTime(compared.back());
  }
  state.counters["compare_cpu_ms"] = median(compared_cpu) * 1e3;
  state.counters["save_cpu_ms"] = median(saved_cpu) * 1e3;
  state.counters["compare_ms"] = median(compared) * 1e3;
  state.counters["save_ms"] = median(saved) * 1e3;
  state.counters["share"] = median(compared) / median(saved);
  if (!finds_a_bit(strategy, variables.back(), objects)) {  // the same on every rank
    state.SkipWithError("a bit that differs was not found: what was measured is void");
  }
}

void register_compare_values(bool small) {
  benchmark::RegisterBenchmark(
      small ? "strategy/compare_values/1_MiB" : "strategy/compare_values/1_GiB",
      [=](benchmark::State& state) { compare_values(state, small ? 1 : 1024); })
      ->Iterations(small ? 2 : 5)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
}

const bool kAdded = Suites::add(&register_compare_values);

}  // namespace
}  // namespace counterpoint::bench
