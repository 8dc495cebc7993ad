#include "counterpoint/runtime/internal/mpi_session.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

namespace counterpoint::inline v1 {
namespace {

constexpr double kFailedWaitSeconds = 2;

const char* level_name(int level) {
  switch (level) {
    case MPI_THREAD_SINGLE:
      return "MPI_THREAD_SINGLE";
    case MPI_THREAD_FUNNELED:
      return "MPI_THREAD_FUNNELED";
    case MPI_THREAD_SERIALIZED:
      return "MPI_THREAD_SERIALIZED";
    default:
      return "MPI_THREAD_MULTIPLE";
  }
}

[[noreturn]] void throw_finalized() {
  throw Error(ErrorCode::failed_precondition, "MPI has been finalised; communicate before that");
}

// One abort ends the job; mpirun may wait for itself for good where several come at once.
void leave_to_lower_ranks() {
  constexpr int kMostTurns = 20;
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  std::this_thread::sleep_for(std::chrono::milliseconds(100) * std::min(rank, kMostTurns));
}

bool mpi_finalized() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  return finalized != 0;
}

}  // namespace

void check_mpi(int result, const char* function) {
  if (result == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(result, text, &length);
  throw Error(ErrorCode::internal, fmt::format("{}: {}", function, text));
}

// A child inherits the exit handler and all that is destroyed at the end; MPI knows nothing of it.
MpiSession::MpiSession() {
  pthread_atfork(nullptr, nullptr, [] {
    MpiSession& session = get();
    session.is_child_ = session.owns_mpi_ || session.attached_;
  });
}

MpiSession& MpiSession::get() {
  static MpiSession* const session = new MpiSession;
  return *session;
}

void MpiSession::ensure_initialized(int* argc, char*** argv) {
  if (finalized_ || mpi_finalized()) throw_finalized();
  int initialized = 0;
  check_mpi(MPI_Initialized(&initialized), "MPI_Initialized");
  if (initialized == 0) {
    int provided = 0;
    check_mpi(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    owns_mpi_ = true;
    // Open MPI reports what goes wrong in a nonblocking collective there, whatever its communicator.
    check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN),
              "MPI_Comm_set_errhandler");
    // atexit() does not tell how the process ends.
    on_exit([](int status, void*) { get().end(status); }, nullptr);
  }
  if (attached_) return ensure_callable();
  int level = 0;
  check_mpi(MPI_Query_thread(&level), "MPI_Query_thread");
  if (level < MPI_THREAD_FUNNELED) {
    throw Error(ErrorCode::failed_precondition,
                fmt::format("MPI runs at {}, Counterpoint needs MPI_THREAD_FUNNELED: call "
                            "MPI_Init_thread with it instead of MPI_Init",
                            level_name(level)));
  }
  any_thread_ = level >= MPI_THREAD_SERIALIZED;
  int is_main = 0;
  check_mpi(MPI_Is_thread_main(&is_main), "MPI_Is_thread_main");
  if (is_main == 0 && !any_thread_) {
    throw Error(ErrorCode::failed_precondition,
                "at MPI_THREAD_FUNNELED only the thread that initialised MPI may communicate");
  }
  main_thread_ = std::this_thread::get_id();
  install_finalize_hook();
  attached_ = true;
}

void MpiSession::ensure_callable() const {
  if (finalized_) throw_finalized();
  if (is_child_) {
    throw Error(ErrorCode::failed_precondition,
                "MPI belongs to the process that initialised it, and this one was forked from it; "
                "communicate there, or start another program here");
  }
  if (!is_callable()) {
    throw Error(ErrorCode::failed_precondition,
                "at MPI_THREAD_FUNNELED only the thread that initialised MPI may communicate");
  }
}

bool MpiSession::is_callable() const noexcept {
  return attached_ && !finalized_ && !is_child_ &&
         (any_thread_ || std::this_thread::get_id() == main_thread_);
}

void MpiSession::add(MpiResource& resource) { resources_.push_back(&resource); }

void MpiSession::remove(MpiResource& resource) noexcept { std::erase(resources_, &resource); }

void MpiSession::keep_forever(std::shared_ptr<void> memory) noexcept {
  kept_.push_back(std::move(memory));
}

// Attributes of MPI_COMM_SELF are deleted first thing in MPI_Finalize, while MPI still works.
void MpiSession::install_finalize_hook() {
  int key = MPI_KEYVAL_INVALID;
  check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, &on_finalize, &key, nullptr),
            "MPI_Comm_create_keyval");
  check_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, key, this), "MPI_Comm_set_attr");
  check_mpi(MPI_Comm_free_keyval(&key), "MPI_Comm_free_keyval");
}

int MpiSession::on_finalize(MPI_Comm, int, void* session, void*) {
  static_cast<MpiSession*>(session)->release_all();
  return MPI_SUCCESS;
}

void MpiSession::release_all() noexcept {
  for (MpiResource* const resource : resources_) resource->release_before_finalize();
  resources_.clear();
  finalized_ = true;
}

void MpiSession::end(int exit_status) noexcept {
  if (!owns_mpi_ || is_child_ || finalized_ || mpi_finalized()) return;
  if (!is_callable()) {
    // MPI_Finalize belongs to the main thread; a process that exits elsewhere ends without it. Not every
    // launcher takes that for a failure, so the status says it.
    std::fflush(nullptr);
    if (exit_status == 0) _exit(1);
    return;
  }
  const bool failed = stuck_ || exit_status != 0;
  if (failed) std::fflush(nullptr);  // before another rank ends the job
  if (last_meeting_) {
    try {
      // A rank that failed waits only long enough for others that failed with it to say why; the rest of
      // the job cannot go on without it. Nobody finalises where another aborts: mpirun then crashes or
      // waits for itself for good.
      stuck_ =
          last_meeting_(stuck_, failed ? std::optional<double>(kFailedWaitSeconds) : std::nullopt);
    } catch (...) {
      stuck_ = true;
    }
  }
  if (stuck_) {
    std::fflush(nullptr);  // MPI_Abort does not
    leave_to_lower_ranks();
    MPI_Abort(MPI_COMM_WORLD, exit_status == 0 ? 1 : exit_status);
  }
  MPI_Finalize();
}

}  // namespace counterpoint::inline v1
