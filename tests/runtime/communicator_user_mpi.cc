// A program that owns MPI: communicator_user_mpi [single]. Prints "all is well" on each rank at its
// end, and returns non-zero at the first surprise.
#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "counterpoint/runtime/mpi_communicator.h"

namespace cp = counterpoint;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "not so: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

template <class Call>
void require_error(const Call& call, cp::ErrorCode code, const char* part) {
  try {
    call();
  } catch (const cp::Error& error) {
    require(error.code() == code && error.message().find(part) != std::string::npos, error.what());
    return;
  }
  require(false, part);
}

// Outlives MPI_Finalize, as a program's globals do.
std::shared_ptr<cp::Communicator> kept;

int ran_handlers = 0;
void count_errors(MPI_Comm*, int*, ...) { ++ran_handlers; }

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  if (argc > 1 && std::string_view(argv[1]) == "single") {
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SINGLE, &level);
    require_error([] { cp::Communicator::world(); }, cp::ErrorCode::failed_precondition,
                  "MPI_Init_thread");
    std::puts("all is well");
    MPI_Finalize();
    return 0;
  }
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &level);
  int world_rank = 0;
  int world_size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &world_rank);
  MPI_Comm_size(MPI_COMM_WORLD, &world_size);
  const char* const expected = std::getenv("COUNTERPOINT_EXPECTED_RANKS");
  require(expected != nullptr && std::to_string(world_size) == expected, "the number of ranks");

  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(&count_errors, &handler);
  MPI_Comm half = MPI_COMM_NULL;
  MPI_Comm_split(MPI_COMM_WORLD, world_rank % 2, -world_rank, &half);  // ranks in reverse
  MPI_Comm_set_errhandler(half, handler);
  int half_rank = 0;
  int half_size = 0;
  MPI_Comm_rank(half, &half_rank);
  MPI_Comm_size(half, &half_size);

  {
    const auto ours = cp::MpiCommunicator::create(half, 60);
    const auto same = cp::MpiCommunicator::create(half, 60);
    const auto world = cp::Communicator::world();
    require(ours->rank() == half_rank && ours->size() == half_size, "ranks as in the communicator");
    require(world->size() == world_size, "the world is MPI's");
    require(ours->timeout_seconds() == 60, "the timeout is the one given");

    std::vector<double> sums = {1.0, static_cast<double>(world_rank)};
    std::int64_t everyone = 1;
    std::int64_t again = 1;
    cp::Work in_world =
        world->start_all_reduce(cp::Buffer::of(std::span(&everyone, 1)), cp::Reduce::sum);
    cp::Work in_same =
        same->start_all_reduce(cp::Buffer::of(std::span(&again, 1)), cp::Reduce::sum);
    ours->all_reduce(std::span(sums), cp::Reduce::sum);
    in_same.wait(60);
    in_world.wait(60);
    double wanted = 0;
    for (int r = world_rank % 2; r < world_size; r += 2) wanted += r;
    require(sums[0] == half_size && sums[1] == wanted, "a sum over the half");
    require(everyone == world_size && again == half_size, "sums under way at once");

    MPI_Errhandler after = MPI_ERRHANDLER_NULL;
    MPI_Comm_get_errhandler(half, &after);
    require(after == handler && ran_handlers == 0, "the caller's error handler is left alone");
    MPI_Errhandler_free(&after);
    MPI_Comm_get_errhandler(MPI_COMM_WORLD, &after);
    require(after == MPI_ERRORS_ARE_FATAL, "so is MPI_COMM_WORLD's");
    kept = ours->duplicate();
  }
  MPI_Comm_free(&half);
  MPI_Errhandler_free(&handler);
  kept->barrier();
  require_error([] { cp::MpiCommunicator::create(MPI_COMM_NULL); }, cp::ErrorCode::invalid_argument,
                "MPI_COMM_NULL");
  MPI_Finalize();

  const auto finalised = cp::ErrorCode::failed_precondition;
  require_error([] { kept->barrier(); }, finalised, "finalised");
  require_error([] { kept->duplicate(); }, finalised, "finalised");
  require_error([] { cp::MpiCommunicator::create(MPI_COMM_WORLD); }, finalised, "finalised");
  std::puts("all is well");
  return 0;
}
