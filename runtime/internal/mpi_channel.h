// Private: a duplicated MPI communicator with the operations under way on it.
//
//   auto channel = std::make_shared<MpiChannel>(duplicate);   // owns the MPI communicator
//   auto operation = channel->start(call, values, out);
//   channel->wait(*operation, timeout_seconds);
//
// Operations call MPI strictly in the order of their start, so that every rank's calls match; the
// next may begin when the one before has made its last call.
// Thread-safety: as MPI.
#pragma once

#include <mpi.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "counterpoint/runtime/internal/deadline.h"
#include "counterpoint/runtime/internal/mpi_operation.h"
#include "counterpoint/runtime/internal/mpi_roll_call.h"
#include "counterpoint/runtime/internal/mpi_session.h"

namespace counterpoint::inline v1 {

class MpiChannel final : public MpiResource {
 public:
  // Takes `comm`. Errors: internal.
  explicit MpiChannel(MPI_Comm comm);
  MpiChannel(const MpiChannel&) = delete;
  MpiChannel& operator=(const MpiChannel&) = delete;
  ~MpiChannel() override;

  int rank() const noexcept { return lane_.rank; }
  int size() const noexcept { return lane_.size; }
  // Empty while usable.
  std::string failure_message() const { return failure_ ? failure_->message() : ""; }

  // Errors: failed_precondition if unusable or on the wrong thread; resource_exhausted without
  // memory, and nothing is started; internal.
  std::shared_ptr<MpiOperation> start(const CollectiveCall& call, const void* values, void* out,
                                      std::shared_ptr<const void> owner = nullptr);
  // Errors: what made the communicator unusable.
  bool test(const MpiOperation& operation);
  // Errors: as test, and deadline_exceeded.
  void wait(const MpiOperation& operation, double timeout_seconds);
  // Nobody waits for it any more.
  void abandon(MpiOperation& operation) noexcept;
  // Tells the other ranks.
  void revoke(const Error& reason) noexcept;
  // Whether another rank's wait has expired. Errors: what made the communicator unusable.
  bool is_missed();
  // The other ranks that have not told anything.
  std::vector<int> silent_ranks() const noexcept;

  void release_before_finalize() noexcept override;

 private:
  // True if anything got further.
  bool progress();
  bool progress_or_fail();
  void look_for_notice();
  void look_for_notice_now_and_then();
  void answer(const MpiNotice& notice);
  void expire(const MpiOperation& operation, double timeout_seconds);
  void fail_after_roll_call(const MpiNotice& notice);
  void fail(const CommunicatorError& error) noexcept;
  bool keep_pending() noexcept;
  void release(double timeout_seconds) noexcept;
  void ensure_usable();
  void throw_failure();

  MpiLane lane_;
  MpiRollCall roll_call_;
  std::vector<std::shared_ptr<MpiOperation>> under_way_;  // in the order of their start
  std::int64_t calls_made_ = 0;
  Deadline::Clock::time_point last_look_;
  std::optional<MpiNotice> unanswered_;  // what is_missed() saw, before revoke() or the next call
  std::optional<CommunicatorError> failure_;
  bool told_ = false;  // the caller knows of it
};

}  // namespace counterpoint::inline v1
