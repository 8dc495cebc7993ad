// A program of which rank 1 forks a child, which ends as programs end: the job goes on without it.
//   forked_children <main|run|returns> <replicas per rank>
// The child leaves by exit() before training or in the middle of a run, or returns from main, where what it
// inherited is destroyed. Each rank ends with "rank R is done", the parent after "the child ended with 0".
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

namespace {

void await(pid_t child) {
  constexpr unsigned kDeadlineSeconds = 20;  // a child that hangs is a failure, not a hanging test
  int status = -1;
  for (unsigned i = 0; i < kDeadlineSeconds * 100; ++i) {
    if (waitpid(child, &status, WNOHANG) == child) break;
    usleep(10'000);
  }
  std::printf("the child ended with %d\n", status);
}

}  // namespace

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  const std::string_view where = argc > 1 ? argv[1] : "";
  const bool forks = world->rank() == 1;
  if (where == "main" && forks) {
    const pid_t child = fork();
    if (child == 0) std::exit(0);
    await(child);
  }
  cp::MirroredStrategy strategy(world, {.replicas_per_rank = argc > 2 ? std::atoi(argv[2]) : 1,
                                        .timeout_seconds = 60,
                                        .last_calls_folder = ""});
  const auto scope = strategy.scope();
  auto noise = cp::Generator::from_seed(1);
  const auto step = [&](cp::ReplicaContext& replica) {
    std::vector<float> values(4);
    noise.fill_normal(values);
    if (where == "run" && forks && replica.local_index() == 0) {
      const pid_t child = fork();
      if (child == 0) std::exit(0);
      await(child);
    }
    replica.all_reduce(values, cp::Reduce::sum);
  };
  strategy.run(step);
  if (where == "returns" && forks) {
    const pid_t child = fork();
    if (child == 0) {
      try {
        world->barrier();
      } catch (const cp::Error& error) {
        if (error.code() == cp::ErrorCode::failed_precondition) return 0;
      }
      return 3;
    }
    await(child);
  }
  strategy.run(step);
  strategy.check();
  std::printf("rank %d is done\n", world->rank());
  return 0;
}
