#include "counterpoint/checkpoint/internal/disk_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "counterpoint/runtime/internal/deadline.h"
#include "counterpoint/runtime/internal/signals_blocked.h"

namespace counterpoint::inline v1::checkpoint_internal {
namespace {

Attempt lack_of_memory() {
  return attempting([] { throw std::bad_alloc(); });
}

}  // namespace

double meeting_seconds(const Communicator& communicator, const Patience& patience) {
  return std::min({1.0, communicator.timeout_seconds() / 4, patience.seconds});
}

void throw_out_of_patience(const Patience& patience) {
  throw Error(
      ErrorCode::deadline_exceeded,
      fmt::format("{}: the disk is not done, and nothing moved on it for {} s; look at it, then {}",
                  patience.place, patience.seconds, patience.advice));
}

double Stillness::seconds() {
  const std::uint64_t calls_done = files_ == nullptr ? 0 : files_->calls_done();
  if (calls_done != calls_done_) last_progress_ = Clock::now();
  calls_done_ = calls_done;
  return std::chrono::duration<double>(Clock::now() - last_progress_).count();
}

DiskTask::~DiskTask() {
  if (!thread_.joinable()) return;
  if (wait_alone(0)) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

void DiskTask::finish(Progress& progress) noexcept {
  try {
    progress.failed = attempting(progress.work);
  } catch (const std::bad_alloc&) {
    progress.speechless = true;
  }
  progress.work = nullptr;  // also what it owns is closed here, before it is done
  {
    const std::scoped_lock lock(progress.mutex);
    progress.done = true;
  }
  progress.changed.notify_all();
}

bool DiskTask::start(std::function<void()> work) noexcept {
  if (thread_.joinable()) thread_.detach();
  progress_.reset();
  failed_to_start_ = false;
  try {
    auto progress = std::make_shared<Progress>();
    progress->work = std::move(work);
    try {
      const SignalsBlocked deaf;
      thread_ = std::thread([progress] { finish(*progress); });
    } catch (const std::system_error&) {
      // No thread is to be had.
    }
    if (!thread_.joinable()) finish(*progress);
    progress_ = std::move(progress);
  } catch (const std::bad_alloc&) {
    failed_to_start_ = true;  // said in wait(): there may be no memory for an Error either
  }
  return !failed_to_start_;
}

bool DiskTask::wait_alone(double seconds) {
  if (progress_ == nullptr) return true;
  std::unique_lock lock(progress_->mutex);
  return progress_->changed.wait_until(lock, Deadline(seconds).time(),
                                       [this] { return progress_->done; });
}

bool DiskTask::wait_alone(const Patience& patience) {
  Stillness stillness(patience);
  while (!wait_alone(std::min(1.0, patience.seconds))) {
    if (stillness.seconds() >= patience.seconds) return false;
  }
  return true;
}

Attempt DiskTask::wait(Communicator& communicator, const Patience& patience) {
  enum : std::uint64_t { not_yet, done, given_up };
  Stillness stillness(patience);
  given_up_ = false;
  const double slice = meeting_seconds(communicator, patience);
  for (std::uint64_t state = not_yet; state != done;) {
    if (communicator.rank() == 0) {
      state = wait_alone(slice)                         ? done
              : stillness.seconds() >= patience.seconds ? given_up
                                                        : not_yet;
    }
    state = agree(communicator, "waiting for the disk", {}, state);
    given_up_ = state == given_up;
    if (given_up_) throw_out_of_patience(patience);
  }
  if (thread_.joinable()) thread_.join();
  const std::shared_ptr<Progress> progress = std::exchange(progress_, nullptr);
  if (failed_to_start_) return lack_of_memory();
  if (progress == nullptr) return std::nullopt;
  return progress->speechless ? lack_of_memory() : progress->failed;
}

Attempt on_disk(Communicator& communicator, const Patience& patience, std::function<void()> work) {
  DiskTask task;
  if (communicator.rank() == 0) task.start(std::move(work));
  return task.wait(communicator, patience);
}

}  // namespace counterpoint::inline v1::checkpoint_internal
