// What keeping calls in step costs: a draw's log, the end of a run, a step, a collective, and turns
// on a generator made outside, by ranks. Beside bare MPI where there is such a thing.
#include <mpi.h>

#include <array>
#include <chrono>

#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/internal/call_log.h"
#include "counterpoint/strategy/mirrored_strategy.h"
#include "ranks.h"

namespace counterpoint::bench {
namespace {

// Fails on every rank, or on none.
void fail_together(benchmark::State& state, MirroredStrategy& strategy, bool right) {
  if (strategy.any(!right)) state.SkipWithError("wrong numbers: what was measured is void");
}

void draw_log(benchmark::State& state) {
  CallLog log;
  const std::array<std::int64_t, 2> shape = {32, 64};
  for (auto _ : state) {
    CallRecord record{.operation = Operation::normal,
                      .dtype = DType::f32,
                      .shape = shape,
                      .scalars = {0, 0x3ff0000000000000u},
                      .location = std::source_location::current()};
    benchmark::DoNotOptimize(record);
    log.record(17, record);
  }
  const auto calls = static_cast<std::uint64_t>(state.iterations());
  if (log.count() != calls || log.call(calls - 1)->digest != log.digest()) {
    state.SkipWithError("calls are missing");
  }
}

void empty_run(benchmark::State& state, const StrategyOptions& options) {
  MirroredStrategy strategy(world(), options);
  int runs = 0;
  for (auto _ : state) {
    strategy.run([&](ReplicaContext& replica) { runs += replica.local_index() == 0 ? 1 : 0; });
  }
  strategy.check();
  fail_together(state, strategy, runs == state.iterations());
}

void work_for_a_millisecond() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (std::chrono::steady_clock::now() < end) {
  }
}

// A millisecond of work, ten draws and a reduction: in step, or each rank for itself.
constexpr int kDraws = 10;

void step_in_step(benchmark::State& state) {
  MirroredStrategy strategy(world());
  const auto scope = strategy.scope();
  auto noise = Generator::from_seed(1);
  std::vector<float> gradient(64);
  for (auto _ : state) {
    strategy.run([&](ReplicaContext& replica) {
      for (int i = 0; i < kDraws; ++i) noise.fill_normal(gradient);
      work_for_a_millisecond();
      replica.all_reduce(gradient, Reduce::mean);
    });
  }
  fail_together(state, strategy,
                noise.state().item<std::int64_t>(0) == 1 + 256 * 64 * kDraws * state.iterations());
}

void step_alone(benchmark::State& state) {
  auto noise = Generator::from_seed(1);
  std::vector<float> gradient(64);
  for (auto _ : state) {
    for (int i = 0; i < kDraws; ++i) noise.fill_normal(gradient);
    work_for_a_millisecond();
    world()->all_reduce(std::span(gradient), Reduce::mean);
  }
}

void collective(benchmark::State& state, CollectiveChecks checks) {
  MirroredStrategy strategy(world(), {.collective_checks = checks});
  std::vector<float> values(16, 1.0f);
  bool right = true;
  strategy.run([&](ReplicaContext& replica) {
    for (auto _ : state) replica.all_reduce(values, Reduce::mean);
    right = values[15] == 1.0f;
  });
  fail_together(state, strategy, right);
}

// Rounds of turns, `kTurns` in a run; the time is of a round, in which every replica draws once.
void turns(benchmark::State& state, Turns turns) {
  constexpr int kTurns = 100;
  MirroredStrategy strategy(world(), {.turns = turns});
  auto shared = Generator::from_seed(1);
  std::array<float, 1> value{};
  for (auto _ : state) {
    strategy.run([&](ReplicaContext&) {
      for (int i = 0; i < kTurns; ++i) shared.fill_normal(value);
    });
  }
  count_values(state, kTurns);
  strategy.check();
  fail_together(state, strategy,
                shared.state().item<std::int64_t>(0) ==
                    1 + 256 * kTurns * state.iterations() * strategy.num_replicas_in_sync());
}

void register_strategy(bool small) {
  benchmark::RegisterBenchmark("strategy/draw_log", draw_log)->Iterations(small ? 10 : 20'000'000);
  const auto add = [&](const std::string& name, int iterations, auto function) {
    benchmark::RegisterBenchmark(("strategy/" + name).c_str(), function)
        ->Iterations(small ? 10 : iterations)
        ->UseRealTime();
  };
  int mpi = 0;
  MPI_Initialized(&mpi);
  if (mpi != 0) {
    add("barrier/MPI", 20'000, [](benchmark::State& state) {
      for (auto _ : state) MPI_Barrier(MPI_COMM_WORLD);
    });
  }
  add("empty_run/x1", 20'000, [](benchmark::State& state) { empty_run(state, {}); });
  add("empty_run/x2", 2'000,
      [](benchmark::State& state) { empty_run(state, {.replicas_per_rank = 2}); });
  add("step_1_ms/alone", 500, step_alone);
  add("step_1_ms/in_step", 500, step_in_step);
  add("all_reduce_64_B/before_payload", 20'000,
      [](benchmark::State& state) { collective(state, CollectiveChecks::before_payload); });
  add("all_reduce_64_B/at_end_of_run", 20'000,
      [](benchmark::State& state) { collective(state, CollectiveChecks::at_end_of_run); });
  add("turn/agreed", 100, [](benchmark::State& state) { turns(state, Turns::agreed); });
  add("turn/assumed_equal", 1'000,
      [](benchmark::State& state) { turns(state, Turns::assumed_equal); });
}

const bool kAdded = Suites::add(register_strategy);

}  // namespace
}  // namespace counterpoint::bench
