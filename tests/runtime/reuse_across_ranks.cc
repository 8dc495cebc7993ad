// A job whose ranks watch for reuse: reuse_across_ranks <case> <checkpoint file>. Each rank prints what it
// saw as "rank R saw CODE: MESSAGE", and "rank R is done" without a fault.
//   none     correct training: runs, turns, also backwards, saves, a restore
//   meets    rank 1 draws a view of replica 0's stream: the save says so, on every rank
//   in_run   a replica draws its stream a second time: the run says so, on every rank
//   one_rank as none, watched on rank 0 alone
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "counterpoint/checkpoint/checkpoint.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  if (argc != 3) return 2;
  const std::string_view what = argv[1];
  world->set_timeout_seconds(20);
  if (what != "one_rank" || world->rank() == 0) setenv("COUNTERPOINT_DETECT_REUSE", "1", 1);
  try {
    auto outside = cp::Generator::from_seed({1, 2, 4});
    auto back_and_forth = cp::Generator::from_seed({1, 2, 5});
    auto same = cp::Generator::copy_of(back_and_forth);
    cp::MirroredStrategy strategy(world, {.replicas_per_rank = 2});
    const auto scope = strategy.scope();
    auto noise = cp::Generator::from_seed({1, 2, 3});
    cp::Checkpoint checkpoint(world, {{"noise", noise}});
    for (int step = 0; step < 10; ++step) {
      strategy.run([&](cp::ReplicaContext& replica) {
        (void)noise.normal<float>({10});
        (void)outside.normal<float>({10});
        if (replica.replica_id() == 3) {
          back_and_forth.skip(-6);
        } else {
          (void)back_and_forth.normal<float>({2});
        }
        if (what == "in_run" && step == 5 && replica.replica_id() == 3) {
          auto again = noise.for_replica(3);
          again.skip(-5);
          (void)again.normal<float>({10});
        }
      });
      (void)noise.normal<float>({3});
      if (what == "meets" && step == 5 && world->rank() == 1) {
        auto view = noise.for_replica(0);
        view.skip(-13);
        (void)view.normal<float>({5});
      }
      checkpoint.save(argv[2]);
      if (step == 7) checkpoint.restore(argv[2]);
    }
    (void)same.normal<float>({6});  // all was given back, on every rank
  } catch (const cp::Error& error) {
    std::printf("rank %d saw %s\n", world->rank(), error.what());
    std::fflush(stdout);
    std::this_thread::sleep_for(std::chrono::seconds(1));  // the first to end ends the others
    return 1;
  }
  std::printf("rank %d is done\n", world->rank());
  return 0;
}
