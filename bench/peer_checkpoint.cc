// What PyTorch and TensorFlow save with, where python3, or the Python that
// COUNTERPOINT_BENCH_PYTHON names, has them; see checkpoint_peers.py.
#include <sys/wait.h>

#include <cstdio>

#include "disk.h"

namespace counterpoint::bench {
namespace {

struct Answer {
  std::vector<std::string> lines;
  std::string failure;  // why it is none; empty where it is one
};

// What checkpoint_peers.py prints, given these arguments.
Answer peers_say(const std::string& arguments) {
  const char* const python = std::getenv("COUNTERPOINT_BENCH_PYTHON");
  const auto script = std::filesystem::path(__FILE__).parent_path() / "checkpoint_peers.py";
  const std::string command = std::string(python == nullptr ? "python3" : python) + " '" +
                              script.string() + "' " + arguments + " 2>/dev/null";
  Answer answer;
  std::FILE* const output = ::popen(command.c_str(), "r");
  if (output == nullptr) return {.lines = {}, .failure = "no shell to start Python with"};
  char line[512];
  while (std::fgets(line, sizeof(line), output) != nullptr) {
    answer.lines.emplace_back(line, std::strcspn(line, "\n"));
  }
  const int status = ::pclose(output);
  if (status == 0) return answer;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && !answer.lines.empty()) {
    answer.failure = answer.lines.back();
  } else {
    answer.failure = "Python ended with status " + std::to_string(status) +
                     (WIFSIGNALED(status) || WEXITSTATUS(status) > 128
                          ? ", by a signal: it may lack memory, several times the 1 GiB"
                          : "") +
                     "; run " + command;
  }
  return answer;
}

// One process's, whatever the number of ranks.
void save_of_peer(benchmark::State& state, const std::string& peer, std::int64_t mib) {
  const Scratch folder;
  const Answer answer = peers_say(peer + " " + std::to_string(mib) + " '" + (folder / "") + "'");
  if (!answer.failure.empty()) {
    state.SkipWithError(answer.failure.c_str());
    return;
  }
  std::vector<double> times;
  for (const std::string& time : answer.lines) times.push_back(std::stod(time));
  for (auto _ : state) state.SetIterationTime(median(times));
  state.SetBytesProcessed(mib << 20);
}

void register_peers(bool small) {
  if (small || world()->size() > 1) return;
  constexpr std::int64_t mib = 1024;
  for (const std::string& peer : peers_say("list").lines) {
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
