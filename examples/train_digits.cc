// Trains a network on handwritten digits as many replicas, saves as it goes, and resumes by itself
// on any number of ranks.
//
//   train_digits --epochs 60 --seed 1 --replicas-per-rank 2 --checkpoints run
//   mpirun -n 3 train_digits --epochs 80 --seed 1 --replicas-per-rank 2 --checkpoints run
//
// It shows the three kinds of random numbers that such a program needs:
//   - weights, drawn once by a generator made outside of the strategy's scope;
//   - noise on the inputs and dropout, drawn by generators made in the scope: a stream a replica;
//   - the order of the images, from a shuffle that every replica makes alike, without talking.
//
// Killed and started again on as many ranks and replicas, it ends with the same weights to the bit. On
// another number, replicas that were there before go on with their streams where they were. With
// --invariant the weights are the same on any number, also if it changes on the way: replicas draw
// their rows of one draw, and gradients are added in an order that knows nothing of replicas.
//
// Expected output of the first command (figures may differ where exp() rounds differently):
//
//   digits: 2 replicas, 2 on each of 1 ranks (threads, rank 0 of 1)
//   nothing in run yet: starting at the beginning
//   epoch   1 of 60: loss 1.5002, accuracy  50.3 %, test accuracy  81.3 %
//   ...
//   epoch  60 of 60: loss 0.1216, accuracy  96.0 %, test accuracy  98.1 %
//   test accuracy 98.05 %
//   weights sha256 29ecf1f000c036769e4b600b8d91010c807d24e4020edfe8d7c52bb65da5f63f

#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "counterpoint/counterpoint.h"
#include "train_digits/digits.h"
#include "train_digits/learning_curve.h"
#include "train_digits/options.h"
#include "train_digits/progress.h"
#include "train_digits/stream_lines.h"
#include "train_digits/trainer.h"

namespace cp = counterpoint;

namespace {

using namespace train_digits;

// What every replica drew, by the replicas themselves.
std::string drawn_by_replicas(cp::MirroredStrategy& strategy,
                              const cp::PerReplica<StepReport>& reports) {
  std::vector<cp::Tensor> draws;
  for (const StepReport& report : reports) draws.push_back(report.first_noise);
  return stream_lines(strategy.gather({std::move(draws), reports.replica_id(0)}));
}

void train(const Options& options, const std::shared_ptr<cp::Communicator>& world) {
  const bool speaks = world->rank() == 0;
  const Digits digits = Digits::read(options.data);

  auto initial = cp::Generator::from_seed(options.seed);  // outside of the scope: for the weights
  cp::MirroredStrategy strategy(world,
                                {.replicas_per_rank = options.replicas_per_rank, .name = "digits"});
  const auto scope = strategy.scope();
  const Mode mode = options.invariant ? Mode::invariant : Mode::normal;
  Trainer trainer(strategy, digits, initial, options.seed, mode);

  cp::CheckpointManager checkpoints(world, options.checkpoints, trainer.objects());
  std::int64_t saved = checkpoints.restore_latest();
  if (trainer.seed() != options.seed) {
    throw cp::Error(cp::ErrorCode::failed_precondition,
                    fmt::format("{} holds training with --seed {}; give that, or another folder",
                                options.checkpoints, trainer.seed()));
  }
  if (trainer.mode() != mode) {
    throw cp::Error(
        cp::ErrorCode::failed_precondition,
        fmt::format("{} holds training {} --invariant; do the same, or give another folder",
                    options.checkpoints, options.invariant ? "without" : "with"));
  }
  if (speaks) {
    fmt::print("{}\n", strategy.describe());
    if (saved == 0) {
      fmt::print("nothing in {} yet: starting at the beginning\n", options.checkpoints);
    } else {
      fmt::print("resumed from {} at step {}: epoch {}, step {} of {}\n",
                 checkpoints.last_restore().path, saved, trainer.position().epoch + 1,
                 trainer.position().step_in_epoch, trainer.steps_per_epoch());
    }
    std::fflush(stdout);
  }

  {
    Progress progress(speaks ? options.progress : Progress::Style::none, options.epochs,
                      trainer.steps_per_epoch());
    bool show_streams = options.show_streams;
    while (trainer.position().epoch < options.epochs) {
      const cp::PerReplica<StepReport> reports = trainer.step();
      if (show_streams) {
        const std::string lines = drawn_by_replicas(strategy, reports);  // collective
        if (speaks) fmt::print("first noise of each replica:\n{}", lines);
        show_streams = false;
      }
      progress.show(trainer.position().epoch + 1, trainer.position().step_in_epoch,
                    trainer.mean_loss(), trainer.training_accuracy());
      if (trainer.epoch_is_over()) progress.finish_epoch(trainer.finish_epoch());
      if (trainer.position().step % options.every == 0) {
        checkpoints.save(saved = trainer.position().step);
      }
    }
  }
  if (saved != trainer.position().step) checkpoints.save(trainer.position().step);

  const double test_accuracy = trainer.test_accuracy();
  if (!speaks) return;
  if (!options.plot.empty()) {
    write_svg(trainer.curve(), options.plot);
    fmt::print("learning curve in {}\n", options.plot);
  }
  fmt::print("test accuracy {:.2f} %\n", test_accuracy);
  fmt::print("weights sha256 {}\n", trainer.weights_digest());
}

}  // namespace

int main(int argc, char** argv) {
  std::shared_ptr<cp::Communicator> world;
  try {
    world = cp::Communicator::world(&argc, &argv);
    const ParsedOptions parsed = parse_options(argc, argv, world->rank() == 0);
    if (parsed.exit_code) return *parsed.exit_code;
    train(parsed.options, world);
    return 0;
  } catch (const cp::Error& error) {  // every rank has it: one says it
    if (!world || world->rank() == 0) fmt::print(stderr, "train_digits: {}\n", error.what());
  } catch (const std::exception& error) {  // this rank's own: the others must not wait for it
    fmt::print(stderr, "train_digits: {}\n", error.what());
    if (world) world->revoke(cp::Error(cp::ErrorCode::unavailable, error.what()));
  }
  return 1;
}
