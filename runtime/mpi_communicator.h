// Ranks that are MPI processes, on a communicator of the caller's.
//
//   MPI_Comm half = split_as_you_like(MPI_COMM_WORLD);
//   auto ranks = cp::MpiCommunicator::create(half);   // collective over `half`
//   cp::MirroredStrategy strategy(ranks);
//   MPI_Comm_free(&half);                             // whenever you like
//
// The caller's communicator is duplicated and otherwise left alone: its error handler, its
// attributes and its traffic. The duplicate returns errors instead of aborting, and is freed with
// the handle or inside MPI_Finalize, whichever comes first; a handle that outlives MPI_Finalize
// answers failed_precondition. MPI is initialised, with MPI_THREAD_FUNNELED, only if nobody has,
// and only then finalised, when the process exits (see Communicator::world).
//
// This is the one public header with MPI types.
// Thread-safety: below MPI_THREAD_SERIALIZED, only the thread that initialised MPI (else
// failed_precondition); otherwise one thread at a time.
// Determinism: as every Communicator; MPI reduces nothing but integers.
#pragma once

#include <mpi.h>

#include <memory>
#include <string>
#include <vector>

#include "counterpoint/runtime/communicator.h"

namespace counterpoint::inline v1 {

class MpiChannel;  // a duplicated MPI communicator and its operations
struct CollectiveCall;

class COUNTERPOINT_PUBLIC MpiCommunicator final : public Communicator {
 public:
  // Collective over `comm`. Errors: invalid_argument for a null or an intercommunicator;
  // failed_precondition below MPI_THREAD_FUNNELED and after MPI_Finalize; deadline_exceeded if not
  // every rank has come within `timeout_seconds`, which is also the timeout of the new handle.
  static std::shared_ptr<MpiCommunicator> create(MPI_Comm comm,
                                                 double timeout_seconds = default_timeout_seconds);

  ~MpiCommunicator() override;

  int rank() const noexcept override;
  int size() const noexcept override;
  std::string describe() const override;
  std::shared_ptr<Communicator> duplicate() override;
  void revoke(const Error& reason) noexcept override;
  bool is_missed() override;
  std::vector<int> silent_ranks() noexcept override;
  void ensure_callable() const override;

  Work start_all_reduce(Buffer values, Reduce reduce) override;
  Work start_broadcast(Buffer values, int root) override;
  Work start_broadcast_in_place(Buffer values, int root,
                                std::shared_ptr<const void> owner) override;
  Work start_all_gather(ConstBuffer values, Buffer gathered) override;
  Work start_exclusive_scan(Buffer values, Reduce reduce) override;
  Work start_barrier() override;

 private:
  explicit MpiCommunicator(std::shared_ptr<MpiChannel> channel);
  Work start(const CollectiveCall& call, const void* values, void* out,
             std::shared_ptr<const void> owner = nullptr);

  std::shared_ptr<MpiChannel> channel_;
};

}  // namespace counterpoint::inline v1
