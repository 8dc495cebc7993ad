// The benchmarks of several ranks: alone, or under mpirun. Options as for counterpoint_bench.
#include "ranks.h"

namespace counterpoint::bench {

const std::shared_ptr<Communicator>& world() {
  static const std::shared_ptr<Communicator> ranks = Communicator::world();
  return ranks;
}

}  // namespace counterpoint::bench

int main(int argc, char** argv) {
  namespace bench = counterpoint::bench;
  const auto world = counterpoint::Communicator::world(&argc, &argv);
  const bool first = world->rank() == 0;
  // Files are the first rank's.
  if (!first) bench::take_option(&argc, argv, "--benchmark_out");
  const bool small = bench::take_option(&argc, argv, "--small");
  for (const bench::Suites::Register suite : bench::Suites::all()) suite(small);
  benchmark::AddCustomContext("ranks", std::to_string(world->size()));
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  bench::CountingReporter reporter(first);
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return reporter.errors() != 0 || ran == 0 ? 1 : 0;
}
