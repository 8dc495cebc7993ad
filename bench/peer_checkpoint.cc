// What PyTorch and TensorFlow save with, where python3, or the Python that
// COUNTERPOINT_BENCH_PYTHON names, has them; see checkpoint_peers.py.
#include <cstdio>

#include "disk.h"

namespace counterpoint::bench {
namespace {

// The lines that checkpoint_peers.py prints, given these arguments; none where it fails.
std::vector<std::string> peers_say(const std::string& arguments) {
  const char* const python = std::getenv("COUNTERPOINT_BENCH_PYTHON");
  const auto script = std::filesystem::path(__FILE__).parent_path() / "checkpoint_peers.py";
  const std::string command = std::string(python == nullptr ? "python3" : python) + " '" +
                              script.string() + "' " + arguments + " 2>/dev/null";
  std::vector<std::string> lines;
  std::FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) return lines;
  char line[256];
  while (std::fgets(line, sizeof(line), output) != nullptr) {
    lines.emplace_back(line, std::strcspn(line, "\n"));
  }
  return ::pclose(output) == 0 ? lines : std::vector<std::string>();
}

// One process's, whatever the number of ranks.
void save_of_peer(benchmark::State& state, const std::string& peer, std::int64_t mib) {
  const Scratch folder;
  const std::vector<std::string> seconds =
      peers_say(peer + " " + std::to_string(mib) + " '" + (folder / "") + "'");
  if (seconds.empty()) {
    state.SkipWithError("it saved nothing that it could load");
    return;
  }
  std::vector<double> times;
  for (const std::string& time : seconds) times.push_back(std::stod(time));
  for (auto _ : state) state.SetIterationTime(median(times));
  state.SetBytesProcessed(mib << 20);
}

void register_peers(bool small) {
  if (small || world()->size() > 1) return;
  constexpr std::int64_t mib = 1024;
  for (const std::string& peer : peers_say("list")) {
    benchmark::RegisterBenchmark(("checkpoint/save/1_GiB/" + peer).c_str(),
                                 [=](benchmark::State& state) { save_of_peer(state, peer, mib); })
        ->Iterations(1)
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  }
}

const bool kAdded = Suites::add(&register_peers);

}  // namespace
}  // namespace counterpoint::bench
