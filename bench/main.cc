// The benchmarks of one process. Options are Google Benchmark's, and --small, which leaves out what
// needs much memory or time.
#include "benchmarks.h"
#include "counterpoint/kernels/targets.h"

int main(int argc, char** argv) {
  namespace bench = counterpoint::bench;
  const bool small = bench::take_option(&argc, argv, "--small");
  for (const bench::Suites::Register suite : bench::Suites::all()) suite(small);
  std::string targets;
  for (const std::string& name : counterpoint::kernels::available_targets()) targets += name + " ";
  benchmark::AddCustomContext("targets", targets);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  bench::CountingReporter reporter;
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return reporter.errors() != 0 || ran == 0 ? 1 : 0;
}
