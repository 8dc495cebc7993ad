#include "counterpoint/runtime/communicator.h"

#include <mutex>

#include "counterpoint/runtime/launcher.h"
#include "counterpoint/runtime/thread_communicator.h"

namespace counterpoint::inline v1 {

Communicator::~Communicator() = default;

std::shared_ptr<Communicator> Communicator::world() { return world(nullptr, nullptr); }

std::shared_ptr<Communicator> Communicator::world(int*, char***) {
  static std::mutex mutex;
  static std::shared_ptr<Communicator> world;
  const std::lock_guard lock(mutex);
  if (world) return world;
  if (find_launcher()) throw Error(ErrorCode::unimplemented, "MPI is not there yet");
  world = ThreadCommunicator::create(1)[0];
  return world;
}

}  // namespace counterpoint::inline v1
