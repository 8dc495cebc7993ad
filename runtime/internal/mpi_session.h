// Private: what is one a process in MPI: who initialised it, from which thread it may be called,
// and how it ends.
//
//   MpiSession& session = MpiSession::get();
//   session.ensure_initialized(argc, argv);   // initialises MPI only if nobody has
//   session.ensure_callable();                // on this thread, before MPI_Finalize
//
// If this session initialised MPI it also ends it, from an exit handler: a meeting with a deadline
// and MPI_Finalize, or MPI_Abort if a rank is dead or hung, so that the job ends. A process that was
// forked from it does none of that, and may not communicate. The session itself is never destroyed:
// handles may live longer than any other static object. Thread-safety: as MPI's threading level.
#pragma once

#include <mpi.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "counterpoint/runtime/error.h"

namespace counterpoint::inline v1 {

// Throws internal with MPI's own words if `result` is an error.
void check_mpi(int result, const char* function);

// Something that holds MPI objects and gives them back when MPI is finalised.
class MpiResource {
 public:
  virtual ~MpiResource() = default;
  virtual void release_before_finalize() noexcept = 0;
};

class MpiSession {
 public:
  static MpiSession& get();

  // Errors: failed_precondition after MPI_Finalize and below MPI_THREAD_FUNNELED.
  void ensure_initialized(int* argc, char*** argv);
  // Errors: failed_precondition after MPI_Finalize and on a thread that may not call MPI.
  void ensure_callable() const;
  bool is_callable() const noexcept;

  // The resources released inside MPI_Finalize, in the order they were added.
  void add(MpiResource& resource);
  void remove(MpiResource& resource) noexcept;

  // MPI may still write there: kept until the process ends.
  void keep_forever(std::shared_ptr<void> memory) noexcept;
  // From now on MPI_Finalize could hang.
  void mark_stuck() noexcept { stuck_ = true; }
  // Called before MPI_Finalize with whether this rank is stuck, and with how long to wait, or nothing for
  // the usual time. Whether any rank is; throws if not all come.
  using LastMeeting = std::function<bool(bool stuck, std::optional<double> timeout_seconds)>;
  void set_last_meeting(LastMeeting meeting) { last_meeting_ = std::move(meeting); }

 private:
  MpiSession();
  void install_finalize_hook();
  void release_all() noexcept;
  void end(int exit_status) noexcept;
  static int on_finalize(MPI_Comm, int, void* session, void*);

  bool attached_ = false;  // MPI is initialised and our hook is in place
  bool owns_mpi_ = false;
  bool finalized_ = false;
  bool stuck_ = false;
  bool any_thread_ = false;
  bool is_child_ = false;  // forked from the process that initialised MPI
  std::thread::id main_thread_;
  LastMeeting last_meeting_;
  std::vector<MpiResource*> resources_;
  std::vector<std::shared_ptr<void>> kept_;
};

}  // namespace counterpoint::inline v1
