#include "counterpoint/runtime/communicator.h"

#include <fmt/format.h>

#include <array>
#include <mutex>
#include <optional>

#include "counterpoint/runtime/internal/collective_call.h"
#include "counterpoint/runtime/internal/launcher.h"
#include "counterpoint/runtime/internal/mpi_session.h"
#include "counterpoint/runtime/mpi_communicator.h"
#include "counterpoint/runtime/thread_communicator.h"

namespace counterpoint::inline v1 {
namespace {

bool mpi_is_initialized() {
  int initialized = 0;
  MPI_Initialized(&initialized);
  return initialized != 0;
}

std::shared_ptr<Communicator> make_world(int* argc, char*** argv) {
  const auto launcher = find_launcher();
  if (!launcher && !mpi_is_initialized()) return ThreadCommunicator::create(1)[0];
  MpiSession::get().ensure_initialized(argc, argv);
  auto world = MpiCommunicator::create(MPI_COMM_WORLD);
  if (launcher && world->size() == 1 && (launcher->ranks > 1 || launcher->rank > 0)) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("the launcher announces {} ({}={}), but MPI sees one rank: start the "
                            "program with the mpirun of the MPI that it is linked with",
                            launcher->ranks > 1 ? fmt::format("{} ranks", launcher->ranks)
                                                : fmt::format("rank {}", launcher->rank),
                            launcher->variable, launcher->value));
  }
  // A rank that ends early must not meet the others' calls, hence a duplicate.
  MpiSession::get().set_last_meeting(
      [world, last = world->duplicate()](bool stuck, std::optional<double> timeout_seconds) {
        last->set_timeout_seconds(timeout_seconds.value_or(world->timeout_seconds()));
        std::array<std::uint64_t, 1> any_stuck{stuck ? 1u : 0u};
        last->all_reduce(std::span<std::uint64_t>(any_stuck), Reduce::max);
        return any_stuck[0] != 0;
      });
  return world;
}

}  // namespace

Communicator::~Communicator() = default;
bool Communicator::is_missed() { return false; }
std::vector<int> Communicator::silent_ranks() noexcept { return {}; }
void Communicator::ensure_callable() const {}

Work Communicator::start_broadcast_in_place(Buffer values, int root,
                                            std::shared_ptr<const void> owner) {
  require_owner(owner);
  return start_broadcast(values, root);
}

std::shared_ptr<Communicator> Communicator::world() { return world(nullptr, nullptr); }

std::shared_ptr<Communicator> Communicator::world(int* argc, char*** argv) {
  static std::mutex mutex;
  static std::shared_ptr<Communicator> world;
  const std::lock_guard lock(mutex);
  if (!world) world = make_world(argc, argv);
  return world;
}

}  // namespace counterpoint::inline v1
