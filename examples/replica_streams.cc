// Draws the first numbers of each replica's stream from a checkpoint: by the replicas themselves,
// or in one plain process without any strategy. The lines are the same.
//
//   train_digits --replicas-per-rank 2 --checkpoints run
//   replica_streams run/checkpoint-00001800.h5
//   mpirun -n 2 replica_streams run/checkpoint-00001800.h5 --strategy --replicas-per-rank 2
//
// Expected output of both, a line a replica:
//
//   replica 0: -0.907013476 0.51629746 0.626874864 -2.05809164
//   replica 1: 0.476844847 1.07622564 -0.358769685 0.700622201
//   replica 2: -0.48175922 -0.0155512821 -1.17711091 -0.711508989
//   replica 3: -0.661051452 -1.24526191 -1.17077458 1.87569618

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "counterpoint/counterpoint.h"
#include "train_digits/stream_lines.h"

namespace cp = counterpoint;

namespace {

constexpr std::int64_t numbers = 4;

struct Options {
  std::string file;
  std::string object = "noise";
  int replicas = 4;
  bool in_strategy = false;
  int replicas_per_rank = 1;
  double stddev = 1.0;
};

// Replica r's stream, without replica r.
cp::Tensor draw_plainly(const Options& options) {
  auto generator = cp::Generator::from_seed(0);
  cp::Checkpoint(cp::Communicator::world(), {{options.object, generator}}).restore(options.file);

  cp::Tensor draws(cp::DType::f32, {options.replicas, numbers});
  const std::span<float> values = draws.values<float>();
  for (int replica = 0; replica < options.replicas; ++replica) {
    generator.for_replica(replica).fill_normal(values.subspan(replica * numbers, numbers), 0.0,
                                               options.stddev);
  }
  return draws;
}

// Each replica its own, on however many replicas this strategy has.
cp::Tensor draw_as_replicas(const Options& options) {
  cp::MirroredStrategy strategy(cp::Communicator::world(),
                                {.replicas_per_rank = options.replicas_per_rank});
  const auto scope = strategy.scope();
  auto generator = cp::Generator::from_seed(0);
  cp::Checkpoint(cp::Communicator::world(), {{options.object, generator}}).restore(options.file);

  const cp::PerReplica<cp::Tensor> own = strategy.run([&](cp::ReplicaContext&) {
    return generator.normal<float>({1, numbers}, 0.0, options.stddev);
  });
  const cp::Tensor all = strategy.gather(own);
  const auto shown = std::min<std::int64_t>(all.shape()[0], options.replicas);
  return cp::Tensor::from<float>(
      all.values<float>().first(static_cast<std::size_t>(shown * numbers)), {shown, numbers});
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Draws the first numbers of each replica's stream from a checkpoint.");
  app.add_option("file", options.file, "The checkpoint")->required();
  app.add_option("--object", options.object, "The generator's name in it")->capture_default_str();
  app.add_option("--replicas", options.replicas, "How many replicas' streams to show")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--stddev", options.stddev, "Of the normals drawn")->capture_default_str();
  app.add_flag("--strategy", options.in_strategy, "Let replicas draw, instead of one process");
  app.add_option("--replicas-per-rank", options.replicas_per_rank, "With --strategy")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const auto world = cp::Communicator::world(&argc, &argv);
    const cp::Tensor draws =
        options.in_strategy ? draw_as_replicas(options) : draw_plainly(options);
    if (world->rank() == 0) fmt::print("{}", train_digits::stream_lines(draws));
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "replica_streams: {}\n", error.what());
    return 1;
  }
}
