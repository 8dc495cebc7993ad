// Benchmarks of several ranks: counterpoint_bench_ranks, alone or under mpirun.
//
//   benchmark::RegisterBenchmark("strategy/empty_run", [](benchmark::State& state) {
//     cp::MirroredStrategy strategy(world());
//     for (auto _ : state) strategy.run([](cp::ReplicaContext&) {});
//   })->Iterations(small ? 10 : 10000);      // fixed, so that the ranks stay in step
//
// Every rank runs every benchmark in the same order; the first rank reports. A benchmark that finds
// wrong numbers must say so with SkipWithError on every rank, or before its loop ends on none: one
// that leaves alone leaves the others waiting.
#pragma once

#include <memory>

#include "benchmarks.h"
#include "counterpoint/runtime/communicator.h"

namespace counterpoint::bench {

// The job's ranks. Made by main.
const std::shared_ptr<Communicator>& world();

}  // namespace counterpoint::bench
