// The benchmarks. Options are Google Benchmark's, and --small, which leaves out what needs much
// memory.
#include <algorithm>
#include <cmath>
#include <string_view>

#include "benchmarks.h"
#include "counterpoint/kernels/targets.h"

int main(int argc, char** argv) {
  namespace bench = counterpoint::bench;
  char** const end = std::remove_if(argv + 1, argv + argc, [](const char* argument) {
    return std::string_view(argument) == "--small";
  });
  const bool small = end != argv + argc;
  argc = static_cast<int>(end - argv);
  bench::register_limits(small);
  bench::register_fills(small);
  bench::register_few_values();
  bench::register_peers(small);
  std::string targets;
  for (const std::string& name : counterpoint::kernels::available_targets()) targets += name + " ";
  benchmark::AddCustomContext("targets", targets);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  // Google Benchmark exits with 0 whatever its benchmarks report: count their errors here.
  class Reporter : public benchmark::ConsoleReporter {
   public:
    void ReportRuns(const std::vector<Run>& runs) override {
      for (const Run& run : runs) errors += run.error_occurred ? 1 : 0;
      ConsoleReporter::ReportRuns(runs);
    }
    int errors = 0;
  } reporter;
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return reporter.errors != 0 || ran == 0 ? 1 : 0;
}
