#include "counterpoint/checkpoint/checkpoint_manager.h"

#include <fmt/format.h>

#include <exception>
#include <string>
#include <utility>

#include "counterpoint/checkpoint/internal/disk_task.h"
#include "counterpoint/checkpoint/internal/file_errors.h"
#include "counterpoint/checkpoint/internal/folder.h"
#include "counterpoint/checkpoint/internal/lasting_path.h"
#include "counterpoint/checkpoint/internal/latest_search.h"
#include "counterpoint/checkpoint/internal/session.h"

namespace counterpoint::inline v1 {

namespace internal = checkpoint_internal;

class CheckpointManager::State {
 public:
  State(std::shared_ptr<Communicator> communicator, const std::filesystem::path& folder,
        NamedObjects objects, CheckpointManagerOptions options)
      : session_(std::move(communicator), std::move(objects), options.files,
                 options.write_timeout_seconds),
        options_(std::move(options)),
        folder_path_(folder) {
    take_folder();
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    if (!pending_call_.empty()) wait_before_leaving();
    // The lock goes with its file, which a slow disk is left alone to close.
    internal::DiskTask closing;
    closing.start([folder = std::exchange(folder_, nullptr)] {});
    closing.wait_alone(internal::meeting_seconds(session_.communicator(), patience("")));
  }

  // The caller waits, so that the state is written from where it lies.
  SaveReport save(std::int64_t step, const Location& location) {
    start(step, false, location);
    return wait();
  }

  void save_async(std::int64_t step, const Location& location) { start(step, true, location); }

  SaveReport wait() {
    internal::Session::check_context();
    if (pending_call_.empty()) return {};
    const internal::Attempt attempt = await_disk();
    const std::shared_ptr<internal::SaveJob> job = std::exchange(job_, nullptr);
    SaveReport report;
    if (job != nullptr && !attempt) {
      report = std::move(job->report);
      retention_.damaged.erase(step_);
    }
    return session_.conclude_save(std::exchange(pending_call_, ""), attempt, std::move(report));
  }

  std::int64_t restore_latest(const RestoreOptions& options, const Location& location) {
    wait();
    last_restore_ = {};
    const auto search = std::make_shared<internal::LatestSearch>(folder_, folder_path_.string());
    RestoreReport report = session_.restore(
        "restore of the latest of " + session_.names(), folder_path_.string(), location, options,
        [search](const Error* damage) { return search->next(damage); });
    retention_.damaged.merge(search->skipped_steps());
    const std::int64_t step = search->share_step(session_.communicator());
    report.skipped = search->share_skipped(session_.communicator());
    last_restore_ = std::move(report);
    return step;
  }

  const RestoreReport& last_restore() const { return last_restore_; }

  std::filesystem::path path_of(std::int64_t step) const {
    return folder_path_ / internal::file_name_of(step);
  }

 private:
  void take_folder() {
    const std::string call = "opening a folder for " + session_.names();
    internal::agree(session_.communicator(), call, internal::attempting([&] {
                      check_options();
                      folder_path_ =
                          internal::lasting_path(folder_path_.string(), session_.files()->behind());
                    }));
    struct Taking {
      std::shared_ptr<internal::Folder> folder;
      bool taken = false;
    };
    const auto taking = std::make_shared<Taking>();
    const double seconds = options_.lock_timeout_seconds;
    const internal::Attempt attempt = internal::on_disk(
        session_.communicator(), patience("try again"),
        [taking, seconds, files = session_.files(), path = folder_path_.string()] {
          taking->folder = std::make_shared<internal::Folder>(files, path);
          taking->taken = taking->folder->take(seconds);
        });
    const bool taken =
        internal::agree(session_.communicator(), call, attempt, taking->taken ? 1 : 0) != 0;
    if (!taken) {
      throw Error(ErrorCode::unavailable,
                  fmt::format("{}: another job has this folder of checkpoints (it waited {} s "
                              "for it to end); give each job a folder of its own",
                              folder_path_.string(), seconds));
    }
    folder_ = taking->folder;
    retention_ = {.keep = options_.keep, .keep_every = options_.keep_every, .damaged = {}};
  }

  void start(std::int64_t step, bool copy, const Location& location) {
    internal::Session::check_context();
    wait();
    const std::string call = fmt::format("save of {} as step {}", session_.names(), step);
    copies_->forget();
    ValueReader reader;
    if (copy && session_.is_writer()) {
      reader = [copies = copies_](auto value) { return copies->read(value); };
    }
    session_.begin_save(call, location, reader);
    internal::Retention retention;
    const internal::Attempt attempt = internal::attempting([&] {
      if (step < 0) {
        throw Error(ErrorCode::invalid_argument, fmt::format("step {} is negative", step));
      }
      if (!session_.is_writer()) return;
      job_ = session_.new_save(folder_->path_of(step));
      if (copy) job_->state.detach(*copies_);
      retention = retention_;
      retention.damaged.erase(step);  // it is about to be replaced
    });
    internal::agree(session_.communicator(), call, attempt);
    pending_call_ = call;
    step_ = step;
    if (!session_.is_writer()) return;
    writing_.start([job = job_, step, copies = copies_, folder = folder_,
                    retention = std::move(retention)] { write(*job, *folder, step, retention); });
  }

  // On the writing thread.
  static void write(internal::SaveJob& job, internal::Folder& folder, std::int64_t step,
                    const internal::Retention& retention) {
    folder.require_ours();
    job.write([&] { folder.require_ours(); });
    if (const std::string why = folder.uncertainty(); !why.empty()) {
      job.report.durability = Durability::uncertain;
      std::string& warning = job.report.warning;
      warning = warning.empty() ? why : warning + "; " + why;
    }
    if (job.report.durability != Durability::durable) return;
    // The checkpoint is there, whatever becomes of the others.
    const internal::Attempt tidied =
        internal::attempting([&] { folder.remove_old(retention, step); });
    if (tidied) {
      job.report.warning =
          fmt::format("saved, but older checkpoints were not removed: {}", tidied->message());
    }
  }

  // Returns when the writing thread is done. What it has not read yet when it is given up is
  // copied: the caller's objects go on.
  internal::Attempt await_disk() {
    try {
      return writing_.wait(session_.communicator(), patience("wait() again"));
    } catch (...) {
      if (job_ != nullptr) job_->state.release(*copies_);
      throw;
    }
  }

  // Ranks answer each other while the disk is slow, as in wait(). A rank that leaves because of an
  // exception may be the only one: it does not wait for others, nor they for it.
  void wait_before_leaving() noexcept {
    bool together = false;
    try {
      if (std::uncaught_exceptions() > exceptions_) {
        session_.communicator().revoke(
            Error(ErrorCode::failed_precondition,
                  "a checkpoint manager was left by an exception while a save was under way"));
      } else {
        await_disk();
        together = true;
      }
    } catch (...) {
      // Nobody is there to be told.
      together = writing_.was_given_up();
    }
    // The others go on, and would take a rank that waits longer than they do for a dead one.
    if (!together) writing_.wait_alone(patience(""));
    job_.reset();
  }

  internal::Patience patience(const char* advice) const {
    return session_.patience(folder_path_.string(), advice);
  }

  void check_options() const {
    const auto refuse = [](const std::string& message) {
      throw Error(ErrorCode::invalid_argument, message);
    };
    if (folder_path_.empty()) refuse("folder is empty; name one, \".\" for the current one");
    internal::check_path(folder_path_.string());
    if (options_.keep < 1) {
      refuse(fmt::format("keep is {}; at least 1 checkpoint must stay", options_.keep));
    }
    if (options_.keep_every < 0) {
      refuse(fmt::format("keep_every is {}; it is 0 or more", options_.keep_every));
    }
    if (!(options_.lock_timeout_seconds >= 0)) {
      refuse(fmt::format("lock_timeout_seconds is {}; it is 0 or more",
                         options_.lock_timeout_seconds));
    }
    if (!(options_.write_timeout_seconds > 0)) {
      refuse(fmt::format("write_timeout_seconds is {}; it is more than 0",
                         options_.write_timeout_seconds));
    }
  }

  internal::Session session_;
  CheckpointManagerOptions options_;
  std::filesystem::path folder_path_;
  int exceptions_ = std::uncaught_exceptions();
  RestoreReport last_restore_;
  std::string pending_call_;  // of the save under way, the same on every rank; empty if none
  std::int64_t step_ = 0;     // likewise
  // Rank 0's, shared with the threads that use its disk.
  std::shared_ptr<internal::Folder> folder_;
  internal::Retention retention_;
  std::shared_ptr<internal::SaveJob> job_;          // under way
  std::shared_ptr<internal::ValueCopies> copies_ =  // of the state; kept for the next save
      std::make_shared<internal::ValueCopies>();
  internal::DiskTask writing_;
};

CheckpointManager::CheckpointManager(std::shared_ptr<Communicator> communicator,
                                     const std::filesystem::path& folder, NamedObjects objects,
                                     CheckpointManagerOptions options)
    : state_(std::make_unique<State>(std::move(communicator), folder, std::move(objects),
                                     std::move(options))) {}
CheckpointManager::CheckpointManager(CheckpointManager&&) noexcept = default;
CheckpointManager& CheckpointManager::operator=(CheckpointManager&&) noexcept = default;
CheckpointManager::~CheckpointManager() = default;

CheckpointManager::State& CheckpointManager::state() const {
  if (state_ != nullptr) return *state_;
  throw Error(ErrorCode::failed_precondition,
              "this CheckpointManager was moved from; use the one that it was moved to");
}

SaveReport CheckpointManager::save(std::int64_t step, Location location) {
  return internal::with_memory_errors([&] { return state().save(step, location); });
}
void CheckpointManager::save_async(std::int64_t step, Location location) {
  internal::with_memory_errors([&] { state().save_async(step, location); });
}
SaveReport CheckpointManager::wait() {
  return internal::with_memory_errors([&] { return state().wait(); });
}

std::int64_t CheckpointManager::restore_latest(const RestoreOptions& options, Location location) {
  return internal::with_memory_errors([&] { return state().restore_latest(options, location); });
}

const RestoreReport& CheckpointManager::last_restore() const { return state().last_restore(); }

std::filesystem::path CheckpointManager::path_of(std::int64_t step) const {
  return state().path_of(step);
}

}  // namespace counterpoint::inline v1
