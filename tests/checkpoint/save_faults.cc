// A job that saves and restores, in which rank 1 does not come:
//   save_faults <stops|late> <save|async|wait|restore|again> FOLDER
// The strategy's deadline is two seconds, the communicator's half an hour. Each rank prints what it
// saw as "rank R saw CODE: MESSAGE"; a job without a fault ("none") ends with "rank R is done".
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "counterpoint/checkpoint/checkpoint_manager.h"
#include "counterpoint/runtime/error.h"
#include "counterpoint/runtime/generator.h"
#include "counterpoint/strategy/mirrored_strategy.h"

namespace cp = counterpoint;

namespace {

// Long after the others have given up, those too that did so twice.
unsigned late_seconds(std::string_view where) { return where == "again" ? 8 : 6; }

void go_wrong(std::string_view fault, std::string_view where) {
  if (fault == "stops") raise(SIGSTOP);
  if (fault == "late") sleep(late_seconds(where));
}

// A file that says that a rank has had its say.
std::string said(const std::string& folder, int rank) {
  return folder + "-said-" + std::to_string(rank);
}

// A job ends soon after its first rank: all are to have their say, the one that is late too.
void let_all_speak(const std::string& folder, const cp::Communicator& world) {
  std::ofstream{said(folder, world.rank())};
  for (int rank = 0, tenths = 0; rank < world.size(); ++rank) {
    while (!std::filesystem::exists(said(folder, rank)) && tenths++ < 250) usleep(100'000);
  }
}

// A replica's call that rank 1 does not come to, which the caller takes for granted.
void meet(cp::MirroredStrategy& strategy) {
  try {
    strategy.run([](cp::ReplicaContext& replica) {
      float values[1] = {1};
      replica.all_reduce(std::span<float>(values), cp::Reduce::sum);
    });
  } catch (const cp::Error&) {
    // What is asked is whether there can be a save all the same.
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto world = cp::Communicator::world(&argc, &argv);
  if (argc != 4) return 2;
  const std::string_view fault = argv[1];
  const std::string_view where = argv[2];
  const bool is_culprit = world->rank() == 1;
  std::filesystem::remove(said(argv[3], world->rank()));  // of a job before
  int status = 0;
  try {
    cp::MirroredStrategy strategy(world, {.timeout_seconds = 2, .last_calls_folder = ""});
    const auto scope = strategy.scope();
    auto noise = cp::Generator::from_seed(1, {.name = "noise"});
    struct Model {
      cp::MirroredVariable weights;
      cp::NamedObjects members() { return {{"weights", weights}}; }
    } model{strategy.variable<float>({100}, "weights")};
    cp::CheckpointManager checkpoints(world, argv[3], {{"noise", noise}, {"model", model}});
    checkpoints.save(1);
    if (where == "wait") checkpoints.save_async(2);
    if (is_culprit) go_wrong(fault, where);
    if (where == "save") checkpoints.save(2);
    if (where == "async") checkpoints.save_async(2);
    if (where == "wait") checkpoints.wait();
    if (where == "restore") checkpoints.restore_latest();
    if (where == "again") {
      meet(strategy);
      checkpoints.save(2);
    }
    std::printf("rank %d is done\n", world->rank());
  } catch (const cp::Error& error) {
    std::printf("rank %d saw %s\n", world->rank(), error.what());
    status = 1;
  }
  std::fflush(stdout);
  if (fault == "late") let_all_speak(argv[3], *world);
  return status;
}
