#include "counterpoint/runtime/mpi_communicator.h"

#include <fmt/format.h>

#include <utility>

#include "counterpoint/runtime/internal/backoff.h"
#include "counterpoint/runtime/internal/collective_call.h"
#include "counterpoint/runtime/internal/deadline.h"
#include "counterpoint/runtime/internal/mpi_channel.h"
#include "counterpoint/runtime/internal/mpi_session.h"

namespace counterpoint::inline v1 {
namespace {

class MpiWork final : public Work::Operation {
 public:
  MpiWork(std::shared_ptr<MpiChannel> channel, std::shared_ptr<MpiOperation> operation)
      : channel_(std::move(channel)), operation_(std::move(operation)) {}
  ~MpiWork() override { channel_->abandon(*operation_); }

  bool test() override { return channel_->test(*operation_); }
  void wait(double timeout_seconds) override { channel_->wait(*operation_, timeout_seconds); }

 private:
  std::shared_ptr<MpiChannel> channel_;
  std::shared_ptr<MpiOperation> operation_;
};

// The ranks of a communicator that is not ours cannot be asked who is missing.
MPI_Comm duplicate_with_deadline(MPI_Comm comm, double timeout_seconds) {
  struct Pending {
    MPI_Comm duplicate = MPI_COMM_NULL;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  const auto pending = std::make_shared<Pending>();
  check_mpi(MPI_Comm_idup(comm, &pending->duplicate, &pending->request), "MPI_Comm_idup");
  const Deadline deadline(timeout_seconds);
  Backoff backoff;
  for (int done = 0;;) {
    check_mpi(MPI_Test(&pending->request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done != 0) return pending->duplicate;
    if (deadline.expired()) break;
    backoff.pause();
  }
  MpiSession::get().keep_forever(pending);
  MpiSession::get().mark_stuck();
  throw Error(ErrorCode::deadline_exceeded,
              fmt::format("not every rank has come to duplicate the MPI communicator within {:g} s",
                          timeout_seconds));
}

}  // namespace

std::shared_ptr<MpiCommunicator> MpiCommunicator::create(MPI_Comm comm, double timeout_seconds) {
  if (comm == MPI_COMM_NULL) {
    throw Error(ErrorCode::invalid_argument, "MPI_COMM_NULL has no ranks; pass a communicator");
  }
  MpiSession::get().ensure_initialized(nullptr, nullptr);
  int is_inter = 0;
  check_mpi(MPI_Comm_test_inter(comm, &is_inter), "MPI_Comm_test_inter");
  if (is_inter != 0) {
    throw Error(ErrorCode::invalid_argument, "an intercommunicator; pass an intracommunicator");
  }
  const MPI_Comm duplicate = duplicate_with_deadline(comm, timeout_seconds);
  auto channel = std::make_shared<MpiChannel>(duplicate);
  auto created = std::shared_ptr<MpiCommunicator>(new MpiCommunicator(std::move(channel)));
  created->set_timeout_seconds(timeout_seconds);
  return created;
}

MpiCommunicator::MpiCommunicator(std::shared_ptr<MpiChannel> channel)
    : channel_(std::move(channel)) {}

MpiCommunicator::~MpiCommunicator() = default;

int MpiCommunicator::rank() const noexcept { return channel_->rank(); }
int MpiCommunicator::size() const noexcept { return channel_->size(); }

std::string MpiCommunicator::describe() const {
  const std::string failure = channel_->failure_message();
  return fmt::format("MPI, rank {} of {}{}", rank(), size(),
                     failure.empty() ? "" : ", unusable since: " + failure);
}

std::shared_ptr<Communicator> MpiCommunicator::duplicate() {
  const auto operation = channel_->start({.kind = CollectiveKind::duplicate}, nullptr, nullptr);
  channel_->wait(*operation, timeout_seconds());
  auto channel = std::make_shared<MpiChannel>(operation->duplicate());
  auto duplicate = std::shared_ptr<MpiCommunicator>(new MpiCommunicator(std::move(channel)));
  duplicate->set_timeout_seconds(timeout_seconds());
  return duplicate;
}

void MpiCommunicator::revoke(const Error& reason) noexcept { channel_->revoke(reason); }

bool MpiCommunicator::is_missed() { return channel_->is_missed(); }

std::vector<int> MpiCommunicator::silent_ranks() noexcept { return channel_->silent_ranks(); }

void MpiCommunicator::ensure_callable() const { MpiSession::get().ensure_callable(); }

Work MpiCommunicator::start(const CollectiveCall& call, const void* values, void* out,
                            std::shared_ptr<const void> owner) {
  return Work(
      std::make_unique<MpiWork>(channel_, channel_->start(call, values, out, std::move(owner))));
}

Work MpiCommunicator::start_all_reduce(Buffer values, Reduce reduce) {
  return start(all_reduce_call(values, reduce), values.data, values.data);
}

Work MpiCommunicator::start_broadcast(Buffer values, int root) {
  return start(broadcast_call(values, root, size()), values.data, values.data);
}

Work MpiCommunicator::start_broadcast_in_place(Buffer values, int root,
                                               std::shared_ptr<const void> owner) {
  require_owner(owner);
  return start(broadcast_call(values, root, size()), values.data, values.data, std::move(owner));
}

Work MpiCommunicator::start_all_gather(ConstBuffer values, Buffer gathered) {
  return start(all_gather_call(values, gathered, size()), values.data, gathered.data);
}

Work MpiCommunicator::start_exclusive_scan(Buffer values, Reduce reduce) {
  return start(exclusive_scan_call(values, reduce), values.data, values.data);
}

Work MpiCommunicator::start_barrier() { return start({}, nullptr, nullptr); }

}  // namespace counterpoint::inline v1
