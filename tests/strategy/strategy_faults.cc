// A job in which rank 1 goes wrong in the middle of training:
//   strategy_faults <fault> <replicas per rank> [late: collectives are compared at the end of runs]
// Each rank prints what it saw as "rank R saw CODE: MESSAGE"; a job without a fault ends with "rank
// R is done".
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

namespace {

[[noreturn]] void sleep_forever() {
  for (;;) pause();
}

void go_wrong(std::string_view fault) {
  if (fault == "hangs") sleep_forever();
  if (fault.starts_with("stops")) raise(SIGSTOP);
  if (fault == "dies") raise(SIGKILL);
  if (fault == "leaves") {
    std::puts("rank 1 leaves");
    std::fflush(stdout);
    std::exit(0);
  }
  if (fault == "fails") std::exit(7);
  if (fault == "throws") throw std::runtime_error("the data set is gone");
}

}  // namespace

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  const std::string_view fault = argc > 1 ? argv[1] : "";
  const int replicas_per_rank = argc > 2 ? std::atoi(argv[2]) : 1;
  const bool late = argc > 3 && std::string_view(argv[3]) == "late";
  try {
    auto owned = std::make_unique<cp::MirroredStrategy>(
        world,
        cp::StrategyOptions{
            .replicas_per_rank = replicas_per_rank,
            .timeout_seconds = fault == "fails" || fault == "restores" || late ? 1000.0 : 1.0,
            .collective_checks =
                late ? cp::CollectiveChecks::at_end_of_run : cp::CollectiveChecks::before_payload});
    cp::MirroredStrategy& strategy = *owned;
    // No fault: the end of the last run is open when MPI is finalised.
    [[maybe_unused]] static cp::MirroredStrategy* kept = nullptr;
    if (fault == "keeps") kept = owned.release();
    const auto scope = strategy.scope();
    auto noise = cp::Generator::from_seed(1);
    cp::Checkpoint checkpoint(world, {{"noise", noise}});
    for (int step = 0; step < 20; ++step) {
      if (fault == "restores" && step == 10 && world->rank() == 1) {
        (void)checkpoint.restore("no-such-file.h5");
      }
      strategy.run([&](cp::ReplicaContext& replica) {
        const bool longer = fault == "shapes" && step == 10 && replica.rank() == 1;
        std::vector<float> gradient(longer ? 200 : 100);
        noise.fill_normal(gradient);
        if (fault == "hangs-slowly" && step == 10 && replica.rank() == 1) {
          // The other replica comes long after the other ranks' deadlines have begun.
          if (replica.local_index() == replicas_per_rank - 1) sleep_forever();
          usleep(700'000);
        }
        // All of its replicas work, so that none of them gives the others a deadline.
        if (fault == "stops-and-late" && step == 10 && replica.rank() == 2) usleep(2'500'000);
        const bool is_last = replica.local_index() == replicas_per_rank - 1;
        // One of them works while the other waits, so that its own rank is the first to give up.
        if (fault == "stops-and-works" && step == 10 && replica.rank() == 2 && is_last) {
          usleep(2'500'000);
        }
        if (step == 10 && replica.rank() == 1 && is_last) {
          if (fault == "stops-and-works") usleep(300'000);
          go_wrong(fault);
        }
        replica.all_reduce(gradient, cp::Reduce::mean);
      });
    }
  } catch (const cp::Error& error) {
    std::printf("rank %d saw %s\n", world->rank(), error.what());
    return 1;
  }
  std::printf("rank %d is done\n", world->rank());
  return 0;
}
