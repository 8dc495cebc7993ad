// A trainer that has its own MPI communicator, its own loop and its own arrays, and takes only
// random streams and collectives from Counterpoint: what a user links.
//
//   mpirun -n 2 trainer

#include <mpi.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <span>
#include <vector>

#include "counterpoint/counterpoint.h"
#include "counterpoint/runtime/mpi_communicator.h"

namespace cp = counterpoint;

namespace {

// Returns whether the numbers are TensorFlow's.
bool train(MPI_Comm comm) {
  const auto ranks = cp::MpiCommunicator::create(comm);
  cp::MirroredStrategy strategy(ranks);
  const auto scope = strategy.scope();
  auto noise = cp::Generator::from_seed(1);

  std::vector<float> weights(10, 0.0f);
  std::array<float, 10> gradient{};
  // The first normals of replicas 0 and 1 from seed 1.
  constexpr std::array<std::uint32_t, 2> first = {0xbf611a19, 0x3ca94276};
  bool right = true;
  for (int step = 0; step < 3; ++step) {
    auto replica = strategy.enter_replica();
    noise.fill_normal(std::span(gradient));
    if (step == 0) {
      const auto id = static_cast<std::size_t>(replica->replica_id());
      right = std::bit_cast<std::uint32_t>(gradient[0]) == first.at(id);
    }
    replica->all_reduce(std::span(gradient), cp::Reduce::mean);
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] -= 0.1f * gradient[i];
  }

  // Every rank must have got the same.
  std::vector<float> lowest = weights;
  std::vector<float> highest = weights;
  ranks->all_reduce(std::span(lowest), cp::Reduce::min);
  ranks->all_reduce(std::span(highest), cp::Reduce::max);
  right = right && lowest == highest && lowest[0] != 0.0f;
  return !strategy.any(!right) && strategy.num_replicas_in_sync() == 2;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int world_rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, 0, -world_rank, &comm);  // the other way round

  bool right = false;
  try {
    right = train(comm);
  } catch (const cp::Error& error) {
    std::fprintf(stderr, "rank %d: %s\n", world_rank, error.what());
    MPI_Abort(MPI_COMM_WORLD, 1);
  }

  // Both are still the trainer's own.
  int rank = -1;
  right = MPI_Comm_rank(comm, &rank) == MPI_SUCCESS && rank == 1 - world_rank && right;
  MPI_Comm_free(&comm);
  int finalized = 0;
  MPI_Finalized(&finalized);
  right = right && finalized == 0;
  MPI_Finalize();
  if (world_rank == 0) std::puts(right ? "trained" : "wrong");
  return right ? 0 : 1;
}
